import { hash } from "node:crypto";
import { isIP } from "node:net";
import { SERVICE_TAG, type Tags } from "../model/dataplane/access.ts";

/** Names of resources as Kuma gives them (contract, section 4.8). */

const MESH_TAG = "kuma.io/mesh";

/** The check of Envoy's own admin interface by HDS. */
export const ADMIN_CHECK = "kuma:envoy:admin";

function hostPort(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

export function inboundListenerName(address: string, port: number): string {
  return `inbound:${hostPort(address, port)}`;
}

export function outboundListenerName(address: string, port: number): string {
  return `outbound:${hostPort(address, port)}`;
}

/**
 * Names for the cluster of an application's port, best first: `localhost:<port>` as in Kuma. In Kuma two inbounds with the
 * same port on different addresses, or spoken to differently, would share that name and one would lose its traffic; the
 * second one takes the next free name here.
 */
export function localClusterNames(address: string, port: number, transport: string): readonly string[] {
  const name = `localhost:${port}`;
  return [name, `${name}@${address}`, `${name}@${address}/${transport}`];
}

/** The tags of an outbound that choose endpoints or are shown: all but the mesh, in order of their names. */
export function outboundTags(tags: Tags): Tags {
  const names = Object.keys(tags).filter((name) => name !== MESH_TAG);
  return Object.fromEntries(names.sort().map((name) => [name, tags[name] as string]));
}

/** The tags of an outbound beyond its service: each must be on an endpoint. Undefined if there are none. */
export function subsetTags(tags: Tags): Tags | undefined {
  const { [SERVICE_TAG]: _, ...rest } = outboundTags(tags);
  return Object.keys(rest).length === 0 ? undefined : rest;
}

/** `<service>`, or `<service>-<16 hex>` when the outbound has more tags: a hash over all of them, sorted. */
export function outboundClusterName(service: string, tags: Tags): string {
  if (!subsetTags(tags)) return service;
  const text = Object.entries(outboundTags(tags)).flat().join("");
  return `${service}-${hash("sha256", text, "hex").slice(0, 16)}`;
}

/** A name as Envoy's statistics can carry it: no separators. */
export function statName(name: string): string {
  return name.replaceAll(/[:.@/]/g, "_");
}
