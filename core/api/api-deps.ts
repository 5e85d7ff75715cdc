import type { SigningKeys, TokenIssuer } from "../auth/authenticator.ts";
import type { EventLog } from "../events/event-log.ts";
import type { FailureBook } from "../insight/failure-book.ts";
import type { InsightTracker } from "../insight/insight-tracker.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/log.ts";
import type { ResourceTypes } from "../model/registry.ts";
import type { Policy } from "../policy/policy.ts";
import type { PresenceOutlook } from "../presence/outlook.ts";
import type { Configurations } from "../push/configurations.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { MeshView } from "../view/mesh-view.ts";

/** Who this control plane is, for `GET /`. */
export interface ControlPlaneIdentity {
  readonly hostname: string;
  /** `<hostname>-<4 hex>`, new at each start. */
  readonly instanceId: string;
  /** Made once, kept in the store, shared by all control planes on it. */
  readonly clusterId: string;
  /** Version of monomesh. */
  readonly version: string;
}

/** What the REST API needs; the wiring gives it. */
export interface ApiDeps {
  readonly store: ResourceStore;
  readonly types: ResourceTypes;
  /** The policies among the types. Default: none. */
  readonly policies?: readonly Policy[] | undefined;
  readonly tokens: TokenIssuer;
  readonly signingKeys: SigningKeys;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failures: FailureBook;
  readonly insights: Pick<InsightTracker, "withCounters">;
  readonly events: EventLog;
  readonly configurations: Configurations;
  readonly presence: PresenceOutlook;
  /** The picture of a mesh; read in the same turn. */
  view(mesh: string): MeshView | undefined;
  readonly identity: ControlPlaneIdentity;
  /** The effective configuration for `GET /config`, secrets masked. */
  config(): unknown;
  /** `apiServer.readOnly`: every write is refused. Default false. */
  readonly readOnly?: boolean | undefined;
  /** `apiServer.authn.localhostIsAdmin`. Default true. */
  readonly localhostIsAdmin?: boolean | undefined;
}

/** The version of Kuma whose contract this API keeps; kumactl of the same version gives no warning. */
export const KUMA_VERSION = "2.14.3";
