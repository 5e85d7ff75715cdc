import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ProxyAuthenticator } from "../auth/authenticator.ts";
import type { ControlPlaneCa } from "../ca/control-plane-ca.ts";
import type { InsightTracker } from "../insight/insight-tracker.ts";
import type { Clock } from "../kernel/clock.ts";
import { toMeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { Scope } from "../kernel/scope.ts";
import type { Presence } from "../presence/presence.ts";
import { RefusalLog } from "../presence/refusal-log.ts";
import type { AckSink } from "../push/ack-sink.ts";
import type { SnapshotSource } from "../push/snapshot.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { createChannelFactory } from "../xds/channels.ts";
import { addAdsService } from "../xds/grpc-ads-service.ts";
import { BOOTSTRAP_DEFAULTS, type BootstrapSettings } from "./bootstrap/bootstrap-settings.ts";
import { type BootstrapDeps, serveBootstrap } from "./bootstrap/serve-bootstrap.ts";
import type { HttpAnswer } from "./http-answer.ts";
import { createHttpRoutes, type HttpCall } from "./http-routes.ts";
import { createProxyStreams } from "./proxy-streams.ts";
import { type LeaveDeps, serveLeave } from "./serve-leave.ts";
import { openTlsPort, type TlsPort } from "./tls-port.ts";

/** Both ends ping an idle connection, so that a frozen or unreachable peer is noticed within 15 s. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5000;
/** Kuma's own limit; a first request of a proxy with 10,000 outbounds has 1.5 MB. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

export interface DpServerDeps {
  /** The server closes with it. Close presence (or call its `stop`) before: else every stream that ends here is a loss. */
  readonly scope: Scope;
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: ResourceStore;
  readonly authenticator: ProxyAuthenticator;
  readonly ca: ControlPlaneCa;
  readonly presence: Presence;
  readonly snapshots: SnapshotSource;
  readonly acks: AckSink;
  readonly insight: InsightTracker;
  /** Id of this start of the control plane: `control_plane.identifier` in every response. */
  readonly instanceId: string;
  /** Address to listen on. Default: all, IPv6 and IPv4. */
  readonly host?: string | undefined;
  /** Default 5678; 0 chooses a free one. */
  readonly port?: number | undefined;
  /** What differs from BOOTSTRAP_DEFAULTS. */
  readonly bootstrap?: Partial<BootstrapSettings> | undefined;
}

export interface DpServer {
  /** The port that it listens on. */
  readonly port: number;
}

/**
 * Port 5678: one TLS port for `POST /bootstrap`, `/leave`, `/left` and gRPC (contract, section 1.1). Listens when it resolves;
 * MM202 when the port cannot be had.
 */
export async function createDpServer(deps: DpServerDeps): Promise<DpServer> {
  const { scope, clock, log, ca } = deps;
  const grpc = new Server({
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.enable_channelz": 0,
  });
  let port: TlsPort | undefined;
  addAdsService(grpc, {
    events: createProxyStreams(deps),
    clock,
    channels: createChannelFactory(deps.instanceId),
    breakConnection: (peer) => port?.breakConnection(peer),
  });
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const bootstrap = bootstrapRoute(deps, () => port?.port ?? 0);
  const inner = scope.child("dp-server");
  const http = createHttpRoutes({
    clock,
    log,
    routes: {
      "/bootstrap": bootstrap,
      "/leave": leaveRoute(deps, "leave"),
      "/left": leaveRoute(deps, "left"),
    },
  });
  port = await openTlsPort({
    host: deps.host,
    port: deps.port ?? 5678,
    identity: ca.identity,
    scope: inner,
    clock,
    log,
    onHttp1: http.accept,
    onHttp2: (socket) => injector.injectConnection(socket),
  });
  inner.defer(() => http.settle());
  inner.own(ca.onChange((identity) => port.setIdentity(identity)));
  inner.defer(() => injector.destroy());
  return { port: port.port };
}

function bootstrapRoute(deps: DpServerDeps, port: () => number): (call: HttpCall) => Promise<HttpAnswer> {
  const refusals = new RefusalLog(deps.log, deps.clock);
  const settings = { ...BOOTSTRAP_DEFAULTS, ...deps.bootstrap };
  return async ({ body, headers, peer }) => {
    let proxy: { mesh: string; name: string } | undefined;
    const bootstrapDeps: BootstrapDeps = { ...deps, settings, port: port() };
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
    }
  };
}

function leaveRoute(deps: LeaveDeps, verb: "leave" | "left"): (call: HttpCall) => Promise<HttpAnswer> {
  return ({ body, headers }) => serveLeave(deps, verb, { body, authorization: headers.authorization });
}
