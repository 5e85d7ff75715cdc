import { networkInterfaces } from "node:os";
import { canonicalHost } from "../../model/ip-address.ts";

/** `192.168.0.1 (eth0), 10.8.0.3 (wg0)`: what a user can write as an address here. Loopback only if there is nothing else. */
export function machineAddressesText(): string {
  const all = addresses().filter((each) => !each.linkLocal);
  const outside = all.filter((each) => !each.internal);
  return (
    (outside.length > 0 ? outside : all).map((each) => `${each.address} (${each.device})`).join(", ") || "no address"
  );
}

export function isMachineAddress(address: string): boolean {
  const wanted = canonicalHost(address);
  return addresses().some((each) => canonicalHost(each.address) === wanted) || /^127\./.test(wanted);
}

function addresses() {
  return Object.entries(networkInterfaces()).flatMap(([device, list]) =>
    (list ?? []).map(({ address, internal }) => ({ device, address, internal, linkLocal: /^fe80:/i.test(address) })),
  );
}
