import { arrayOf, type Json, recordOf } from "./json.ts";

/** Kuma's formula (contract, section 4.6), from what the wire shows of an overview. */
export function kumaStatus(overview: Json): string {
  const subscriptions = arrayOf(recordOf(overview["dataplaneInsight"])["subscriptions"]);
  const online = subscriptions.some(
    (each) => each["connectTime"] !== undefined && each["disconnectTime"] === undefined,
  );
  const networking = recordOf(recordOf(overview["dataplane"])["networking"]);
  if (networking["gateway"] !== undefined) return online ? "Online" : "Offline";
  const inbounds = arrayOf(networking["inbound"]);
  const ready = inbounds.filter(isReady);
  if (!online || ready.length === 0) return "Offline";
  return ready.length < inbounds.length ? "Partially degraded" : "Online";
}

/** Whether an inbound is shown as ready. */
export function isReady(inbound: Json): boolean {
  const { state, health } = inbound as { readonly state?: unknown; readonly health?: unknown };
  return state !== "NotReady" && (health === undefined || recordOf(health)["ready"] === true);
}
