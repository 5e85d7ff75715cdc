import type { ProxyAuthenticator } from "../auth/authenticator.ts";
import type { Clock } from "../kernel/clock.ts";
import { DATAPLANE } from "../model/types/dataplane.ts";
import type { Presence } from "../presence/presence.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { emptyAnswer, type HttpAnswer, jsonAnswer } from "./http-answer.ts";
import { rawToken, readSidecarRequest, type SidecarCall } from "./sidecar-request.ts";

export interface LeaveDeps {
  readonly store: ResourceStore;
  readonly authenticator: ProxyAuthenticator;
  readonly presence: Presence;
  readonly clock: Clock;
}

/**
 * `POST /leave` and `POST /left`: `{mesh, name, incarnation}` to `{consumers, missing, tookMs}` (design.md, presence).
 * `leave` withdraws the endpoints and answers when the consumers know, after 2 s at the latest; `left` says that the sidecar
 * ends now. Both may be repeated; for a proxy that does not exist there is nothing to do, which is a success.
 */
export async function serveLeave(deps: LeaveDeps, verb: "leave" | "left", call: SidecarCall): Promise<HttpAnswer> {
  const request = readSidecarRequest(call.body);
  if (!request) return emptyAnswer(400);
  const { mesh, name, incarnation } = request;
  const startedAt = deps.clock.monotonic();
  const stored = await deps.store.get({ type: DATAPLANE, mesh, name });
  let result: { readonly consumers: number; readonly missing: readonly string[] } = { consumers: 0, missing: [] };
  if (stored) {
    await deps.authenticator.authenticate(rawToken(call.authorization), stored);
    if (verb === "leave") result = await deps.presence.leave({ mesh, name }, incarnation);
    else await deps.presence.left({ mesh, name }, incarnation);
  }
  const { consumers, missing } = result;
  return jsonAnswer({ consumers, missing, tookMs: Math.round(deps.clock.monotonic() - startedAt) });
}
