import type { FieldPath } from "../field-path.ts";
import { addressesOverlap, isWildcard } from "../ip-address.ts";
import { inboundAddress, inboundsOf, isTransparent, serviceAddress, servicePort } from "./access.ts";
import type { Report } from "./report.ts";
import type { DataplaneSpec } from "./spec.ts";

interface Bound {
  readonly path: FieldPath;
  readonly address: string;
  readonly port: number;
}

/** Finds ports that the proxy would bind twice, and inbounds whose application would be the proxy itself. */
export function checkListeners(dp: DataplaneSpec, report: Report): void {
  const inbounds = inboundBounds(dp);
  const outbounds = (dp.networking.outbound ?? []).map((outbound, index) => ({
    path: ["networking", "outbound", index],
    address: outbound.address || "127.0.0.1",
    port: outbound.port,
  }));
  const listeners = (dp.networking.listeners ?? []).map((listener, index) => ({
    path: ["networking", "listeners", index],
    address: listener.address,
    port: listener.port,
  }));
  checkTwice(inbounds, [], report);
  checkTwice(outbounds, isTransparent(dp) ? [] : inbounds, report);
  checkTwice(listeners, inbounds, report);
  checkAdminPort(dp, [...inbounds, ...outbounds], report);
  if (!isTransparent(dp)) checkLoops(dp, inbounds, report);
}

function inboundBounds(dp: DataplaneSpec): readonly Bound[] {
  return inboundsOf(dp).map((inbound, index) => ({
    path: ["networking", "inbound", index],
    address: inboundAddress(dp, inbound),
    port: inbound.port,
  }));
}

function clashes(a: Bound, b: Bound): boolean {
  return a.port !== 0 && a.port === b.port && addressesOverlap(a.address, b.address);
}

function checkTwice(bounds: readonly Bound[], others: readonly Bound[], report: Report): void {
  bounds.forEach((bound, index) => {
    const first = [...others, ...bounds.slice(0, index)].find((each) => clashes(bound, each));
    if (first) report([...bound.path, "port"], `${placeOf(bound)} is already taken by ${nameOf(first)}`);
  });
}

function checkAdminPort(dp: DataplaneSpec, bounds: readonly Bound[], report: Report): void {
  const admin = { path: ["networking", "admin"], address: "127.0.0.1", port: dp.networking.admin?.port ?? 0 };
  const taken = bounds.find((bound) => clashes(admin, bound));
  if (taken)
    report(["networking", "admin", "port"], `must differ from ${nameOf(taken)}, which listens on ${placeOf(taken)}`);
}

/** An inbound that forwards to a listener of its own proxy sends each connection round and round until descriptors run out. */
function checkLoops(dp: DataplaneSpec, bounds: readonly Bound[], report: Report): void {
  inboundsOf(dp).forEach((inbound, index) => {
    // A connection to the wildcard address goes to this machine.
    const address = isWildcard(serviceAddress(inbound)) ? "127.0.0.1" : serviceAddress(inbound);
    const target: Bound = { path: [], address, port: servicePort(inbound) };
    const own = bounds.find((bound) => clashes(target, bound));
    if (!own) return;
    const field = inbound.serviceAddress ? "serviceAddress" : inbound.servicePort ? "servicePort" : "port";
    const self = own.path[2] === index ? "this inbound itself listens" : `${nameOf(own)} of this proxy listens`;
    report(
      ["networking", "inbound", index, field],
      `the application is expected at ${placeOf(target)}, where ${self}; set servicePort or serviceAddress to where the application listens`,
    );
  });
}

function placeOf(bound: Bound): string {
  return bound.address.includes(":") ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}

function nameOf(bound: Bound): string {
  return `${bound.path[1]}[${bound.path[2]}]`;
}
