import type { TLSSocket } from "node:tls";
import type { ProxyAuthenticator } from "../auth/authenticator.ts";
import type { ControlPlaneCa } from "../ca/control-plane-ca.ts";
import type { EventLog } from "../events/event-log.ts";
import type { GrpcServer } from "../grpc/grpc-server.ts";
import type { FailureBook } from "../insight/failure-book.ts";
import type { InsightTracker } from "../insight/insight-tracker.ts";
import type { Clock } from "../kernel/clock.ts";
import { Crowd } from "../kernel/crowd.ts";
import { toMeshError } from "../kernel/errors.ts";
import { crowdIsOver, expectBursts, expectCrowd } from "../kernel/expect-bursts.ts";
import type { Logger } from "../kernel/log.ts";
import { Newcomers } from "../kernel/newcomers.ts";
import type { Outflow } from "../kernel/outflow.ts";
import { RestAfterBurst } from "../kernel/rest-after-burst.ts";
import { returnFreedPages } from "../kernel/return-freed-pages.ts";
import type { Scope } from "../kernel/scope.ts";
import { Turns } from "../kernel/turns.ts";
import type { Presence } from "../presence/presence.ts";
import { RefusalLog } from "../presence/refusal-log.ts";
import type { SnapshotSource } from "../push/snapshot.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { createChannelFactory } from "../xds/channels.ts";
import { BOOTSTRAP_DEFAULTS, type BootstrapSettings } from "./bootstrap/bootstrap-settings.ts";
import { type BootstrapDeps, serveBootstrap } from "./bootstrap/serve-bootstrap.ts";
import type { GrpcSideDeps } from "./grpc-side.ts";
import { HDS_DEFAULTS, type HdsSettings } from "./health/hds-settings.ts";
import { createProxyHealth } from "./health/proxy-health.ts";
import type { HttpAnswer } from "./http-answer.ts";
import { createHttpRoutes, type HttpCall } from "./http-routes.ts";
import { InitialSyncs } from "./initial-syncs.ts";
import { KnownDefinitions } from "./known-definitions.ts";
import { createProxyStreams, type ProxyStreamsDeps } from "./proxy-streams.ts";
import { serveFailures } from "./serve-failures.ts";
import { type LeaveDeps, serveLeave } from "./serve-leave.ts";
import { StreamCounts, type StreamStats } from "./stream-counts.ts";
import { openTlsPort, type TlsPort } from "./tls-port.ts";

export interface DpServerDeps {
  /** The server closes with it. Close presence (or call its `stop`) before: else every stream that ends here is a loss. */
  readonly scope: Scope;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventLog;
  readonly store: ResourceStore;
  readonly authenticator: ProxyAuthenticator;
  readonly ca: ControlPlaneCa;
  readonly presence: Presence;
  readonly snapshots: SnapshotSource;
  /** Of the push engine, which waits for what was written to leave. */
  readonly outflow?: Outflow | undefined;
  readonly insight: InsightTracker;
  readonly failures: FailureBook;
  /** Id of this start of the control plane: `control_plane.identifier` in every response. */
  readonly instanceId: string;
  /** Address to listen on. Default: all, IPv6 and IPv4. */
  readonly host?: string | undefined;
  /** Default 5678; 0 chooses a free one. */
  readonly port?: number | undefined;
  /** Services that a mesh offers; our sidecar then names outbounds that lead nowhere. */
  readonly services?: ((mesh: string) => Iterable<string>) | undefined;
  /** Of the push engine: the policies behind a listener or cluster that an Envoy refused. */
  readonly policiesBehind?: ProxyStreamsDeps["policiesBehind"];
  /** What differs from BOOTSTRAP_DEFAULTS. */
  readonly bootstrap?: Partial<BootstrapSettings> | undefined;
  /** What differs from HDS_DEFAULTS. */
  readonly hds?: Partial<HdsSettings> | undefined;
}

export interface DpServer {
  /** The port that it listens on. */
  readonly port: number;
  /** What its ADS streams do; read it when it is needed. */
  readonly streams: StreamStats;
  /** Streams that are being served their first configuration, and those that wait for their turn. */
  readonly initialSyncs: InitialSyncs["stats"];
}

/**
 * Port 5678: one TLS port for `POST /bootstrap`, `/leave`, `/left`, `/failures` and gRPC (contract, section 1.1). Listens when it resolves;
 * MM202 when the port cannot be had.
 */
export async function createDpServer(deps: DpServerDeps): Promise<DpServer> {
  const { scope, clock, log, ca } = deps;
  const hds = { ...HDS_DEFAULTS, ...deps.hds };
  const inner = scope.child("dp-server");
  let port: TlsPort | undefined;
  const counts = new StreamCounts();
  const crowd = new Crowd({ clock, scope: inner, least: CROWD, begin: expectCrowd, end: crowdIsOver });
  const joins = new RestAfterBurst({ ...MANY_JOINED, clock, scope: inner, run: () => void returnFreedPages() });
  const turns = new Turns(clock);
  const newcomers = new Newcomers(clock);
  const syncs = new InitialSyncs({ clock, turns, onTurnEnd: () => joins.note() });
  const definitions = new KnownDefinitions();
  const { openAds } = createProxyStreams({ ...deps, counts, definitions });
  const grpc = lazyGrpcSide(
    {
      events: { openAds: syncs.limit(openAds), ...createProxyHealth({ ...deps, scope: inner, hds }) },
      clock,
      outflow: deps.outflow,
      newcomers,
      channels: createChannelFactory(deps.instanceId),
    },
    () => {
      expectBursts();
      // Those who came while it was loading may be a crowd already.
      if (crowd.going) expectCrowd();
    },
  );
  const bootstrap = bootstrapRoute({ ...deps, definitions }, grpc, hds.enabled, () => port?.port ?? 0);
  const http = createHttpRoutes({
    clock,
    log,
    turns,
    newcomers,
    routes: {
      "/bootstrap": bootstrap,
      "/leave": leaveRoute(deps, "leave"),
      "/left": leaveRoute(deps, "left"),
      "/failures": ({ body, headers }) => serveFailures(deps, { body, authorization: headers.authorization }),
    },
  });
  port = await openTlsPort({
    host: deps.host,
    port: deps.port ?? 5678,
    identity: ca.identity,
    scope: inner,
    clock,
    log,
    turns,
    newcomers,
    onConnection: () => crowd.note(),
    onHttp1: http.accept,
    onHttp2: (socket) => void grpc.accept(socket),
  });
  inner.defer(() => http.settle());
  inner.own(ca.onChange((identity) => port.setIdentity(identity)));
  inner.defer(() => grpc.close());
  return {
    port: port.port,
    streams: counts,
    get initialSyncs() {
      return syncs.stats;
    },
  };
}

/** Connections within a second, two of each sidecar. */
const CROWD = 100;

/**
 * Handshakes and first configurations of so many sidecars leave memory behind that is worth giving back, once V8 has let go
 * of its part of it: it does so up to 10 s later.
 */
const MANY_JOINED = { least: 50, quietMs: 15_000, longestMs: 60_000 };

interface LazyGrpcSide {
  load(): Promise<void>;
  accept(socket: TLSSocket): Promise<void>;
  close(): void;
}

/** The gRPC side, loaded when the first sidecar comes. */
function lazyGrpcSide(deps: GrpcSideDeps, onLoad: () => void): LazyGrpcSide {
  let loading: Promise<void> | undefined;
  let side: GrpcServer | undefined;
  const load = () => {
    loading ??= import("./grpc-side.ts").then(({ createGrpcSide }) => {
      side = createGrpcSide(deps);
      onLoad();
    });
    return loading;
  };
  return {
    load,
    async accept(socket) {
      if (!side) await load();
      if (!socket.destroyed) side?.accept(socket);
    },
    close: () => side?.close(),
  };
}

function bootstrapRoute(
  deps: DpServerDeps & Pick<BootstrapDeps, "definitions">,
  grpc: LazyGrpcSide,
  hds: boolean,
  port: () => number,
): (call: HttpCall) => Promise<HttpAnswer> {
  const refusals = new RefusalLog(deps.events, deps.clock);
  const settings = { ...BOOTSTRAP_DEFAULTS, ...deps.bootstrap };
  return async ({ body, headers, peer }) => {
    let proxy: { mesh: string; name: string } | undefined;
    const bootstrapDeps: BootstrapDeps = { ...deps, settings, hds, port: port() };
    try {
      return await serveBootstrap(bootstrapDeps, { body, host: headers.host, accept: headers.accept }, (mesh, name) => {
        proxy = { mesh, name };
      });
    } catch (thrown) {
      const error = toMeshError(thrown);
      const named = proxy && proxy.name !== "";
      if (proxy && named && error.kind === "user") {
        const why = error.violations.map(({ field, message }) => `${field}: ${message}`).join("; ") || error.message;
        refusals.once(proxy, "refused", `${why} (from ${peer})`, error.code);
      }
      throw error;
    } finally {
      // Who asks for a bootstrap opens a stream next; loading begins once the answer is on its way.
      setImmediate(() => void grpc.load());
    }
  };
}

function leaveRoute(deps: LeaveDeps, verb: "leave" | "left"): (call: HttpCall) => Promise<HttpAnswer> {
  return ({ body, headers }) => serveLeave(deps, verb, { body, authorization: headers.authorization });
}
