import { epochCases } from "./epoch-cases.ts";
import { jointCases } from "./joint-cases.ts";
import { lifeCases } from "./life-cases.ts";
import { listCases } from "./list-cases.ts";
import { ownerCases } from "./owner-cases.ts";
import type { StoreCase } from "./store-case.ts";
import { valueCases } from "./value-cases.ts";
import { watchCases } from "./watch-cases.ts";
import { writeCases } from "./write-cases.ts";

/** The contract of `ResourceStore`, in the order of the report. */
export const STORE_CASES: readonly StoreCase[] = [
  ...writeCases,
  ...valueCases,
  ...ownerCases,
  ...listCases,
  ...watchCases,
  ...epochCases,
  ...jointCases,
  ...lifeCases,
];
