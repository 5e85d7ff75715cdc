import { describe, it } from "node:test";
import { STORE_CASES } from "../../../core/store/contract/cases.ts";
import { runStoreCase, skipReason } from "../../../core/store/contract/run-case.ts";
import type { StoreUnderTest } from "../../../core/store/contract/store-case.ts";

/** Registers every case of the store contract with node:test. */
export function storeContract(
  name: string,
  open: StoreUnderTest["open"],
  promises: Omit<StoreUnderTest, "open">,
): void {
  const subject: StoreUnderTest = { ...promises, open };
  describe(`store contract: ${name}`, () => {
    for (const storeCase of STORE_CASES) {
      it(storeCase.name, { skip: skipReason(subject, storeCase) ?? false }, () => runStoreCase(subject, storeCase));
    }
  });
}
