import type { ProxyAuthenticator } from "../auth/authenticator.ts";
import type { XdsType } from "../envoy/encoded-resource.ts";
import type { EventLog } from "../events/event-log.ts";
import { policiesText, resourceNamedIn } from "../insight/config-status.ts";
import type { InsightTracker, StreamInsight } from "../insight/insight-tracker.ts";
import type { Clock } from "../kernel/clock.ts";
import { MeshError, toMeshError } from "../kernel/errors.ts";
import { healthFromText, type SidecarHealth } from "../model/dataplane/sidecar-health.ts";
import { incarnationOf } from "../model/incarnation.ts";
import type { Resource, ResourceDraft } from "../model/resource.ts";
import type { Presence, PresenceLease, ProxyStream } from "../presence/presence.ts";
import { RefusalLog } from "../presence/refusal-log.ts";
import type { PolicyName } from "../push/policies-behind.ts";
import type { ProxyId, Snapshot, SnapshotSource, SnapshotSubscription } from "../push/snapshot.ts";
import type { AdsSession, StreamInfo, StreamNode } from "../xds/stream-events.ts";
import { definitionOf } from "./definition.ts";
import type { KnownDefinitions } from "./known-definitions.ts";
import { parseNodeId } from "./node-id.ts";
import type { StreamCounts } from "./stream-counts.ts";

export interface ProxyStreamsDeps {
  readonly authenticator: ProxyAuthenticator;
  readonly presence: Presence;
  readonly snapshots: SnapshotSource;
  readonly insight: InsightTracker;
  readonly counts: StreamCounts;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly definitions: KnownDefinitions;
  /** See `PushEngine.policiesBehind`. Default: refusals are told without. */
  readonly policiesBehind?: ((proxy: ProxyId, resource: string) => readonly PolicyName[]) | undefined;
}

export interface ProxyStreams {
  /** See `StreamEvents`. `configured` is called once, when the proxy holds its first configuration. */
  openAds(stream: StreamInfo, configured: () => void): Promise<AdsSession>;
}

/**
 * Joins the streams of core/xds with the rest of the control plane, in the order of the contract's section 4.2:
 * authentication, presence (which makes or finds the Dataplane), then snapshots and insight.
 */
export function createProxyStreams(deps: ProxyStreamsDeps): ProxyStreams {
  const refusals = new RefusalLog(deps.events, deps.clock);
  return {
    async openAds(stream, configured) {
      const { proxy, definition } = await introduce(deps, stream, refusals);
      const joining = new JoiningStream(deps, stream, proxy, definition);
      // Presence says itself why it refuses a proxy.
      const lease = await deps.presence.open(joining);
      try {
        await joining.ensureAuthenticated(lease);
        joining.forgetDefinition();
      } catch (error) {
        lease.close("its token is not valid for the stored Dataplane");
        throw error;
      }
      return new ProxySession(deps, stream, proxy, lease, refusals, configured);
    },
  };
}

/** Who it is, what it brings, and whether its token allows that. A refusal is logged here, once for all of Envoy's retries. */
async function introduce(
  deps: ProxyStreamsDeps,
  stream: StreamInfo,
  refusals: RefusalLog,
): Promise<{ proxy: ProxyId; definition: ResourceDraft | undefined }> {
  let proxy: ProxyId = { mesh: "default", name: stream.node.id || stream.peer };
  try {
    proxy = parseNodeId(stream.node.id);
    const definition = definitionOf(stream.node.metadata, proxy.mesh, proxy.name, deps.definitions);
    if (definition) await deps.authenticator.authenticate(stream.credential, definition);
    return { proxy, definition };
  } catch (thrown) {
    const error = toMeshError(thrown);
    refusals.once(proxy, "refused", `${error.message} (from ${stream.peer})`, error.code);
    throw error;
  }
}

/** A stream on its way into its place. */
class JoiningStream implements ProxyStream {
  readonly proxy: ProxyId;
  readonly streamId: string;
  readonly incarnation: string;
  readonly health: SidecarHealth | undefined;
  readonly peer: string;
  readonly signal: AbortSignal;
  readonly #deps: Pick<ProxyStreamsDeps, "authenticator" | "definitions">;
  readonly #stream: StreamInfo;
  #definition: ResourceDraft | undefined;
  #authenticated: boolean;

  constructor(
    deps: Pick<ProxyStreamsDeps, "authenticator" | "definitions">,
    stream: StreamInfo,
    proxy: ProxyId,
    definition: ResourceDraft | undefined,
  ) {
    this.proxy = proxy;
    this.streamId = stream.id;
    this.incarnation = incarnationOf(stream.node.metadata) ?? stream.id;
    this.#definition = definition;
    this.health = stream.health === undefined ? undefined : healthFromText(stream.health);
    this.peer = stream.peer;
    this.signal = stream.signal;
    this.#deps = deps;
    this.#stream = stream;
    this.#authenticated = definition !== undefined;
  }

  /** Read again when it is needed again, as when a parked stream gets its place back: the store has one that is kept. */
  get definition(): ResourceDraft | undefined {
    const { mesh, name } = this.proxy;
    return this.#definition ?? definitionOf(this.#stream.node.metadata, mesh, name, this.#deps.definitions);
  }

  forgetDefinition(): void {
    this.#definition = undefined;
  }

  async authenticate(dataplane: Resource): Promise<void> {
    await this.#deps.authenticator.authenticate(this.#stream.credential, dataplane);
    this.#authenticated = true;
  }

  /** A lifecycle plugin that forgot to check the token opens no door. */
  async ensureAuthenticated(lease: PresenceLease): Promise<void> {
    if (!this.#authenticated) await this.authenticate(lease.dataplane);
  }

  end(reason: string): void {
    this.#stream.end(new MeshError("MM700", reason));
  }
}

/** An accepted stream. While another sidecar has the place of its proxy it gets no news and its ACKs do not count. */
class ProxySession implements AdsSession {
  readonly #deps: ProxyStreamsDeps;
  readonly #counts: StreamCounts;
  readonly #streamId: string;
  readonly #node: StreamNode;
  readonly #proxy: ProxyId;
  readonly #lease: PresenceLease;
  readonly #refusals: RefusalLog;
  #insight: StreamInsight;
  readonly #synced = new Map<XdsType, number>();
  #snapshots: SnapshotSubscription | undefined;
  #activity: Disposable | undefined;
  #configured: (() => void) | undefined;

  constructor(
    deps: ProxyStreamsDeps,
    stream: StreamInfo,
    proxy: ProxyId,
    lease: PresenceLease,
    refusals: RefusalLog,
    configured: () => void,
  ) {
    this.#deps = deps;
    this.#counts = deps.counts;
    this.#counts.open++;
    this.#configured = configured;
    this.#streamId = stream.id;
    this.#node = stream.node;
    this.#proxy = proxy;
    this.#lease = lease;
    this.#refusals = refusals;
    this.#insight = deps.insight.opened(proxy, stream.id, stream.node);
  }

  subscribe(onSnapshot: (snapshot: Snapshot) => void): Disposable {
    const start = () => {
      const features = this.#node.metadata["features"];
      // A sidecar with a new definition must not be sent the old one first.
      const atLeast = this.#lease.dataplane.revision;
      this.#snapshots ??= this.#deps.snapshots.subscribe(this.#proxy, onSnapshot, {
        features: Array.isArray(features) ? features.map(String) : [],
        atLeast,
      });
      for (const [type, revision] of this.#synced) this.#snapshots.acknowledged(type, revision);
    };
    const stop = () => {
      this.#snapshots?.[Symbol.dispose]();
      this.#snapshots = undefined;
    };
    this.#activity = this.#lease.onActive((active) => {
      if (!active) return stop();
      this.#insight = this.#deps.insight.opened(this.#proxy, this.#streamId, this.#node);
      start();
    });
    if (this.#lease.active) start();
    return {
      [Symbol.dispose]: () => {
        this.#activity?.[Symbol.dispose]();
        stop();
      },
    };
  }

  onSent(type: XdsType): void {
    this.#counts.sent[type]++;
    this.#insight.sent(type);
  }

  onAck(type: XdsType): void {
    this.#counts.acknowledged[type]++;
    this.#insight.acknowledged(type);
  }

  onNack(type: XdsType, message: string): void {
    this.#counts.refused[type]++;
    const resource = resourceNamedIn(message);
    const policies = resource === undefined ? [] : (this.#deps.policiesBehind?.(this.#proxy, resource) ?? []);
    this.#insight.rejected(type, {
      message,
      ...(resource ? { resource } : {}),
      ...(policies.length > 0 ? { policies: [...policies] } : {}),
    });
    const detail = `its Envoy refuses a new ${type}: ${message.trimEnd()}${policiesText(policies)}`;
    this.#refusals.once(this.#proxy, "rejected", detail);
  }

  onSynced(type: XdsType, revision: number): void {
    this.#synced.set(type, revision);
    // There is no subscription while another sidecar has the place.
    this.#snapshots?.acknowledged(type, revision);
    // Listeners are what Envoy asks for last: with them it has its configuration.
    if (type !== "listener") return;
    this.#configured?.();
    this.#configured = undefined;
  }

  onClose(reason: string): void {
    this.#counts.open--;
    this.#insight.closed();
    this.#lease.close(reason);
  }
}
