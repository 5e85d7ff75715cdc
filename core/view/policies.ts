import { isDeepStrictEqual } from "node:util";
import type { Change } from "../store/resource-store.ts";
import type { Dirt, MeshView, MutableView } from "./mesh-view.ts";
import { isOld } from "./reduce.ts";

/** Takes a change of a policy. What the policy says, and whom it is for, is the business of core/policy. */
export function reducePolicy(view: MeshView, change: Change): readonly Dirt[] {
  const mutable = view as MutableView;
  const { type, name } = change.resource;
  const ofType = mutable.policies.get(type) ?? new Map();
  const before = ofType.get(name);
  if (isOld(change, before)) return [];
  const after = change.op === "put" ? change.resource : undefined;
  if (after) ofType.set(name, after);
  else ofType.delete(name);
  if (ofType.size > 0) mutable.policies.set(type, ofType);
  else mutable.policies.delete(type);
  mutable.policyEdition = {};
  const same = isDeepStrictEqual([before?.spec, before?.labels], [after?.spec, after?.labels]);
  return same ? [] : [{ kind: "policy", before, after }];
}
