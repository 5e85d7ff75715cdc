import { token } from "../kernel/token.ts";
import type { SidecarHealth } from "../model/dataplane/sidecar-health.ts";
import type { Resource, ResourceDraft } from "../model/resource.ts";
import type { ProxyId } from "../push/snapshot.ts";

export type { EndpointUse, PresenceSpec, PresenceState } from "../model/dataplane-presence.ts";

/** A proxy that opened its stream and was authenticated. */
export interface ProxyStream {
  readonly proxy: ProxyId;
  readonly streamId: string;
  /** From node metadata; for a stock sidecar, which has none, the stream's id. */
  readonly incarnation: string;
  /** Direct: the definition from node metadata. Indirect: undefined. */
  readonly definition: ResourceDraft | undefined;
  /** What it says about its applications right now; undefined for a stock sidecar, which tells it by HDS later. */
  readonly health?: SidecarHealth | undefined;
  readonly peer: string;
  /** Aborts when the stream ends, for whatever reason. */
  readonly signal: AbortSignal;
  /** Checks the credential of this stream against a stored resource (contract 4.4: must be valid for the stored one too). */
  authenticate(dataplane: Resource): Promise<void>;
  /** Ends the stream; `reason` is shown to the proxy. */
  end(reason: string): void;
}

/** A proxy's hold on its place. */
export interface PresenceLease {
  /** The Dataplane that is served; the newest when the lease got its place again after it was parked. */
  readonly dataplane: Resource;
  /** False while parked: another incarnation has the place, so this stream stays open, unanswered and without effect. */
  readonly active: boolean;
  /** Calls back after each change of `active`. Nothing is called for the state at the time of the call. */
  onActive(listener: (active: boolean) => void): Disposable;
  /**
   * The stream ended. Not awaited by the caller; the record is written in the background. Safe to call twice, and
   * called by itself when the stream's signal aborts: the first reason counts.
   */
  close(reason: string): void;
}

export interface LeaveResult {
  /** Consumers that had to withdraw the endpoints. */
  readonly consumers: number;
  /** Names of those that did not confirm within 2 s. */
  readonly missing: readonly string[];
}

/** What the probes of a proxy say, by inbound port. */
export interface HealthReport {
  /** Ports whose application does not answer, or is not known to. */
  readonly notReady: readonly number[];
  /** Ports that are looked after at all; an inbound with a service probe that is not among them is not ready. */
  readonly probed: readonly number[];
  /**
   * Stock sidecars: Envoy's admin check was good and fails since, so the sidecar drains before it ends. Undefined: this
   * report does not tell.
   */
  readonly draining?: boolean | undefined;
  /** What is wrong with the sidecar itself, one plain sentence. */
  readonly trouble?: string | undefined;
  /** Order of the reports of one incarnation; an older one has no effect. */
  readonly sequence?: number | undefined;
}

export interface Presence {
  /**
   * Creates, updates or finds the Dataplane by the lifecycle that fits, and marks the proxy connected. Pending for as
   * long as another incarnation has the place. Rejects, and logs it as `refused`, with MM404 (no such Dataplane or
   * Mesh), MM104 (definition), MM3xx (token), MM700, MM710 (address taken) or MM503.
   */
  open(stream: ProxyStream): Promise<PresenceLease>;
  /**
   * Withdraws the proxy's endpoints everywhere; answers when all consumers acknowledged, or after 2 s. Idempotent.
   * Without effect, and answered at once, for an incarnation that does not have the place.
   */
  leave(proxy: ProxyId, incarnation: string): Promise<LeaveResult>;
  /** The sidecar has drained and ends now. Idempotent; without effect for an incarnation that does not have the place. */
  left(proxy: ProxyId, incarnation: string): Promise<void>;
  /**
   * What the probes say, at once or on change; costs nothing when it says nothing new. `incarnation` undefined (HDS of a
   * stock sidecar whose bootstrap came from elsewhere) stands for whoever has the place. False: the proxy has no open stream
   * here or elsewhere, or another incarnation has its place; the report had no effect and is worth repeating.
   */
  report(proxy: ProxyId, incarnation: string | undefined, report: HealthReport): Promise<boolean>;
  /** From now on the end of a stream is the control plane's own doing and no loss. Called when the scope closes, or before. */
  stop(): Promise<void>;
}

export const Presence = token<Presence>("Presence");

/** Who must know when a proxy is finally away. The insight tracker implements it. */
export interface AbsenceObserver {
  /** The proxy became offline or left; `lastSeen` is its last sign of life, milliseconds since 1970. */
  absent(proxy: ProxyId, lastSeen: number): void;
}
