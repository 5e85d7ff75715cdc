/*
 * The module `monomesh/plugin`: everything a plugin of a user can import from the host. What stands here is promised to
 * them; all else may change at any time.
 */
import { type core, strictObject, type ZodMiniObject } from "zod/mini";
import { unknownOption } from "../../core/store/option-errors.ts";

export type { AuthPluginContext, ProxyAuthenticator } from "../../core/auth/authenticator.ts";
export type { Clock } from "../../core/kernel/clock.ts";
export type { ErrorCode } from "../../core/kernel/error-table.ts";
export { type ErrorParts, MeshError, type Violation } from "../../core/kernel/errors.ts";
export type { Logger } from "../../core/kernel/log.ts";
export type { OptionsSchema, Plugin, PluginContext, PluginKind } from "../../core/kernel/plugin.ts";
export type { Scope } from "../../core/kernel/scope.ts";
export type { PresenceSpec } from "../../core/model/dataplane-presence.ts";
export { fieldText } from "../../core/model/field-path.ts";
export { keyText, type Resource, type ResourceDraft, type ResourceKey, sameKey } from "../../core/model/resource.ts";
export type { DataplaneSpec } from "../../core/model/types/dataplane.ts";
export type { MeshSpec } from "../../core/model/types/mesh.ts";
export {
  type ConfPlace,
  definePolicy,
  type InitialPolicy,
  type PolicyDefinition,
  type PolicyTarget,
  type SettingsPatch,
} from "../../core/policy/policy.ts";
export type { PolicySpec } from "../../core/policy/policy-spec.ts";
export { admitDefinition } from "../../core/presence/admit-definition.ts";
export type { Admission, AdmissionRequest, Lifecycle } from "../../core/presence/lifecycle.ts";
export type { ProxyStream } from "../../core/presence/presence.ts";
export { ChangeLog, type ChangeLogOptions } from "../../core/store/change-log.ts";
export { buildFilter, checkLimit, decodePosition, encodePosition } from "../../core/store/list-query.ts";
export type {
  Change,
  Fence,
  ListPage,
  ListQuery,
  PutOptions,
  ResourceStore,
  WriteOptions,
} from "../../core/store/resource-store.ts";
export {
  conflict,
  describeKey,
  fenced,
  notFound,
  ownerCycle,
  ownerNotFound,
  revisionGone,
  storeClosed,
} from "../../core/store/store-errors.ts";
export { deepFreeze, storable } from "../../core/store/stored-value.ts";
export { openPersistedStore, type PersistedStoreOptions } from "../../core/store/table/persisted-store.ts";
export type { StoreCommit, StorePersistence, StoreSnapshot } from "../../core/store/table/persistence.ts";
export type { StoredEpoch, StoredRecord } from "../../core/store/table/resource-table.ts";
export { compareText } from "../../core/store/text-order.ts";
export * as shape from "./conf-shapes.ts";
export { defineCases, definePlugin } from "./define-plugin.ts";
export * as z from "./option-schemas.ts";
export { parseYaml, printYaml } from "./yaml.ts";

/** The schema of an object with these options and no others: `options({ path: z.string() })`. */
export function options<Shape extends core.$ZodLooseShape>(shape: Shape): ZodMiniObject<Shape, core.$strict> {
  return strictObject(shape, { error: unknownOption });
}
