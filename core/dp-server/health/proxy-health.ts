import type { ProxyAuthenticator } from "../../auth/authenticator.ts";
import type { EventLog } from "../../events/event-log.ts";
import type { Clock } from "../../kernel/clock.ts";
import { MeshError, toMeshError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Scope } from "../../kernel/scope.ts";
import { incarnationOf } from "../../model/incarnation.ts";
import type { Resource } from "../../model/resource.ts";
import type { DataplaneSpec } from "../../model/types/dataplane.ts";
import type { Presence } from "../../presence/presence.ts";
import { RefusalLog } from "../../presence/refusal-log.ts";
import { type ProxyId, proxyText } from "../../push/snapshot.ts";
import type { ResourceStore } from "../../store/resource-store.ts";
import type { StreamEvents, StreamInfo } from "../../xds/stream-events.ts";
import { parseNodeId } from "../node-id.ts";
import { DataplaneWatch } from "./dataplane-watch.ts";
import { HdsSession } from "./hds-session.ts";
import type { HdsSettings } from "./hds-settings.ts";
import { SidecarSession } from "./sidecar-session.ts";

export interface ProxyHealthDeps {
  readonly store: ResourceStore;
  readonly authenticator: ProxyAuthenticator;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventLog;
  readonly scope: Scope;
  readonly hds: HdsSettings;
}

/** A health stream whose proxy is known and may speak. Sessions keep no part of it that they do not need: there may be thousands. */
export interface JoinedHealth {
  readonly proxy: ProxyId;
  /** Undefined for an Envoy whose bootstrap came from elsewhere. */
  readonly incarnation: string | undefined;
  readonly metadata: StreamInfo["node"]["metadata"];
  /** Aborts when the stream ends. */
  readonly signal: AbortSignal;
  readonly dataplane: Resource<DataplaneSpec>;
  readonly watch: DataplaneWatch;
}

/** The ADS stream of the same proxy, which may make the Dataplane, can be a little later (contract, section 5). */
const DATAPLANE_WAIT_MS = 30_000;

/** Joins the streams that tell about the health of applications with the rest of the control plane. */
export function createProxyHealth(deps: ProxyHealthDeps): Pick<StreamEvents, "openHds" | "openHealth"> {
  const watch = new DataplaneWatch(deps);
  const refusals = new RefusalLog(deps.events, deps.clock);
  return {
    ...(deps.hds.enabled
      ? {
          async openHds(stream) {
            const [joined, encoder] = await Promise.all([
              join(deps, stream, watch, refusals),
              import("../../envoy/health-check-specifier.ts"),
            ]);
            return new HdsSession(deps, joined, encoder.encodeHealthCheckSpecifier);
          },
        }
      : {}),
    async openHealth(stream) {
      return new SidecarSession(deps, await join(deps, stream, watch, refusals));
    },
  };
}

async function join(
  deps: ProxyHealthDeps,
  stream: StreamInfo,
  watch: DataplaneWatch,
  refusals: RefusalLog,
): Promise<JoinedHealth> {
  const proxy = parseNodeId(stream.node.id);
  try {
    const dataplane = await waitForDataplane(deps, stream, watch, proxy);
    const { node, signal } = stream;
    return { proxy, incarnation: incarnationOf(node.metadata), metadata: node.metadata, signal, dataplane, watch };
  } catch (thrown) {
    const error = toMeshError(thrown);
    if (!stream.signal.aborted) {
      refusals.once(
        proxy,
        "refused",
        `its ${stream.service} stream: ${error.message} (from ${stream.peer})`,
        error.code,
      );
    }
    throw error;
  }
}

/**
 * The stored Dataplane that the stream's token is valid for. One that is missing, or is still of the service that had the
 * name before, is waited for: the ADS stream of the same proxy is about to change that.
 */
async function waitForDataplane(
  { authenticator, clock }: ProxyHealthDeps,
  stream: StreamInfo,
  watch: DataplaneWatch,
  proxy: ProxyId,
): Promise<Resource<DataplaneSpec>> {
  const { promise, resolve, reject } = Promise.withResolvers<Resource<DataplaneSpec>>();
  let problem = new MeshError("MM404", `Dataplane ${proxyText(proxy)} does not exist`);
  const check = async (dataplane: Resource<DataplaneSpec>) => {
    try {
      await authenticator.authenticate(stream.credential, dataplane);
      resolve(dataplane);
    } catch (thrown) {
      problem = toMeshError(thrown);
      if (problem.code !== "MM311") reject(problem);
    }
  };
  stream.signal.addEventListener("abort", () => reject(new MeshError("MM700", "the stream ended")), { once: true });
  using _timer = clock.after(DATAPLANE_WAIT_MS, () => reject(problem));
  using _follow = watch.follow(proxy, (dataplane) => {
    if (dataplane) void check(dataplane);
  });
  return await promise;
}
