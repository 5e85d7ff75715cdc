import type { Violation } from "../../kernel/errors.ts";
import { nearest } from "../../kernel/nearest.ts";
import { type FieldPath, fieldText } from "../field-path.ts";
import { isWildcard } from "../ip-address.ts";
import { isDnsName, isIpAddress, tagNameProblem, tagValueProblem } from "../names.ts";
import { PROTOCOL_TAG, PROTOCOLS, SERVICE_TAG, type Tags, tagOf, ZONE_TAG } from "./access.ts";
import { checkListeners } from "./listeners.ts";
import { checkReachableBackends, checkRef } from "./refs.ts";
import { checkPort, type Report } from "./report.ts";
import type { DataplaneSpec, Inbound, Networking, Outbound, ServiceProbe } from "./spec.ts";

/** All rules of the contract's section 8.2 beyond shape, and ours about ports (docs/resources.md). Pure; finds everything at once. */
export function validateDataplane(dp: DataplaneSpec): Violation[] {
  const violations: Violation[] = [];
  const report: Report = (path, message) => violations.push({ field: fieldText(path), message });
  const { networking } = dp;
  checkAddress(networking, report);
  networking.inbound?.forEach((inbound, index) => {
    checkInbound(inbound, ["networking", "inbound", index], report);
  });
  networking.outbound?.forEach((outbound, index) => {
    checkOutbound(outbound, ["networking", "outbound", index], report);
  });
  checkGateway(dp, report);
  checkZoneListeners(networking, report);
  checkReachableBackends(networking, report);
  if (networking.admin?.port) checkPort(report, ["networking", "admin", "port"], networking.admin.port);
  checkListeners(dp, report);
  checkMetrics(dp, report);
  checkProbes(dp, report);
  return violations;
}

function checkAddress(networking: Networking, report: Report): void {
  const { address, advertisedAddress } = networking;
  if (address === "") report(["networking", "address"], "is required");
  else checkHost(["networking", "address"], address, report);
  if (advertisedAddress) checkHost(["networking", "advertisedAddress"], advertisedAddress, report);
}

function checkHost(path: FieldPath, host: string, report: Report): void {
  if (!isIpAddress(host) && !isDnsName(host)) report(path, "must be an IP address or a DNS name");
  else if (isWildcard(host)) report(path, `must be an address that others can connect to, not ${host}`);
}

function checkIp(path: FieldPath, address: string | undefined, report: Report): void {
  if (address && !isIpAddress(address)) report(path, "must be an IP address");
}

function checkInbound(inbound: Inbound, path: FieldPath, report: Report): void {
  checkPort(report, [...path, "port"], inbound.port);
  if (inbound.servicePort) checkPort(report, [...path, "servicePort"], inbound.servicePort);
  checkIp([...path, "address"], inbound.address, report);
  checkIp([...path, "serviceAddress"], inbound.serviceAddress, report);
  const tags = inbound.tags ?? {};
  checkTags(tags, [...path, "tags"], report);
  // The zone tag is the control plane's addition; alone it must not make a stored definition invalid.
  if (Object.keys(tags).some((name) => name !== ZONE_TAG)) requireService(tags, [...path, "tags"], report);
  checkProtocol([...path, "tags", PROTOCOL_TAG], tagOf(tags, PROTOCOL_TAG), report);
  checkProtocol([...path, "protocol"], inbound.protocol || undefined, report);
  if (inbound.serviceProbe) checkProbe(inbound.serviceProbe, [...path, "serviceProbe"], report);
}

function checkTags(tags: Tags, path: FieldPath, report: Report): void {
  for (const [name, value] of Object.entries(tags)) {
    const problem = tagNameProblem(name) ?? tagValueProblem(value);
    if (problem) report([...path, name], problem);
  }
}

function requireService(tags: Tags, path: FieldPath, report: Report): void {
  if (tagOf(tags, SERVICE_TAG) !== undefined) return;
  const meant = nearest(SERVICE_TAG, Object.keys(tags));
  report([...path, SERVICE_TAG], `is required${meant ? `; is "${meant}" a slip?` : ""}`);
}

function checkProtocol(path: FieldPath, protocol: string | undefined, report: Report): void {
  if (protocol === undefined || protocol === "") return;
  if (!PROTOCOLS.some((known) => known === protocol)) report(path, `must be one of ${PROTOCOLS.join(", ")}`);
}

function checkProbe(probe: ServiceProbe, path: FieldPath, report: Report): void {
  for (const field of ["interval", "timeout"] as const) {
    const value = probe[field];
    if (value !== undefined && value <= 0) report([...path, field], "must be longer than 0s");
  }
  for (const field of ["healthyThreshold", "unhealthyThreshold"] as const) {
    if (probe[field] === 0) report([...path, field], "must be 1 at least");
  }
}

function checkOutbound(outbound: Outbound, path: FieldPath, report: Report): void {
  checkPort(report, [...path, "port"], outbound.port);
  checkIp([...path, "address"], outbound.address, report);
  const tags = outbound.tags ?? {};
  const hasTags = Object.keys(tags).length > 0;
  if (outbound.backendRef) {
    if (hasTags) report([...path, "backendRef"], "must not be given together with tags");
    checkRef(outbound.backendRef, [...path, "backendRef"], report);
  } else if (hasTags) {
    checkTags(tags, [...path, "tags"], report);
    requireService(tags, [...path, "tags"], report);
  } else {
    report([...path, "tags"], `must hold ${SERVICE_TAG}, unless there is a backendRef`);
  }
}

function checkGateway(dp: DataplaneSpec, report: Report): void {
  const { gateway, inbound, outbound, listeners } = dp.networking;
  if (!gateway) return;
  const path = ["networking", "gateway"];
  const builtin = gateway.type === "BUILTIN";
  const kind = builtin ? "a built-in gateway" : "a gateway";
  if (inbound?.length) report(["networking", "inbound"], `must be empty for ${kind}`);
  if (listeners?.length) report(["networking", "listeners"], `must be empty for ${kind}`);
  if (builtin && outbound?.length) report(["networking", "outbound"], `must be empty for ${kind}`);
  if (builtin && dp.probes) report(["probes"], `must be absent for ${kind}`);
  const tags = gateway.tags ?? {};
  checkTags(tags, [...path, "tags"], report);
  requireService(tags, [...path, "tags"], report);
  const protocol = tagOf(tags, PROTOCOL_TAG);
  if (!builtin && protocol !== undefined && protocol !== "tcp") {
    report([...path, "tags", PROTOCOL_TAG], "must be tcp for a gateway");
  }
}

function checkZoneListeners(networking: Networking, report: Report): void {
  const names = new Set<string>();
  networking.listeners?.forEach((listener, index) => {
    const path = ["networking", "listeners", index];
    checkPort(report, [...path, "port"], listener.port);
    if (listener.address === "") report([...path, "address"], "is required");
    else checkIp([...path, "address"], listener.address, report);
    if (!listener.name) return;
    if (names.has(listener.name)) report([...path, "name"], "must differ from the names of the other listeners");
    names.add(listener.name);
  });
}

function checkMetrics(dp: DataplaneSpec, report: Report): void {
  if (dp.metrics && dp.metrics.type !== "prometheus") report(["metrics", "type"], "must be prometheus");
}

function checkProbes(dp: DataplaneSpec, report: Report): void {
  if (!dp.probes) return;
  checkPort(report, ["probes", "port"], dp.probes.port ?? 0);
  dp.probes.endpoints?.forEach((endpoint, index) => {
    const path = ["probes", "endpoints", index];
    checkPort(report, [...path, "inboundPort"], endpoint.inboundPort ?? 0);
    for (const field of ["inboundPath", "path"] as const) {
      if (!/^\/[^\s?#]*$/.test(endpoint[field] ?? ""))
        report([...path, field], "must be a URL path that begins with /");
    }
  });
}
