import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { canonicalHost, isWildcard } from "../../model/ip-address.ts";

/** A process that listens on a port of this machine. */
export interface SocketHolder {
  /** Undefined when the process belongs to another user and cannot be seen. */
  readonly pid: number | undefined;
  readonly program: string | undefined;
  /** The address it listens on: `0.0.0.0` for all. */
  readonly address: string;
}

const LISTEN = "0A";

/** Who listens on this TCP port, on any address. Reads /proc, so only Linux knows; empty elsewhere. */
export function holdersOfPort(port: number): SocketHolder[] {
  const sockets = [...listeningSockets("/proc/net/tcp"), ...listeningSockets("/proc/net/tcp6")].filter(
    (each) => each.port === port,
  );
  if (sockets.length === 0) return [];
  const owners = ownersOf(new Set(sockets.map((each) => each.inode)));
  const holders = sockets.map(({ inode, address }) => ({
    ...(owners.get(inode) ?? { pid: undefined, program: undefined }),
    address,
  }));
  return holders.filter(
    (each, index) => holders.findIndex((other) => other.pid === each.pid && other.address === each.address) === index,
  );
}

/** Those of the holders whose socket keeps us from listening on `address`. */
export function holdersInTheWay(address: string, port: number): SocketHolder[] {
  const all = holdersOfPort(port);
  const clashing = all.filter(
    (each) => isWildcard(each.address) || isWildcard(address) || canonicalHost(each.address) === canonicalHost(address),
  );
  return clashing.length > 0 ? clashing : all;
}

/** `nginx (pid 812)`; `describe` may know more about a process: `envoy (pid 812, the sidecar of redis-1)`. */
export function holderText(holder: SocketHolder, describe?: (pid: number) => string | undefined): string {
  if (holder.pid === undefined) return "a process of another user";
  const more = describe?.(holder.pid);
  return `${holder.program ?? "a process"} (pid ${holder.pid}${more ? `, ${more}` : ""})`;
}

function listeningSockets(file: string): { port: number; address: string; inode: string }[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      const [hex = "", port = ""] = local.split(":");
      return state === LISTEN ? [{ port: Number.parseInt(port, 16), address: addressOfHex(hex), inode }] : [];
    });
}

/** The kernel prints addresses as 32-bit words in the order of the machine; all that Node runs on Linux for are little-endian. */
function addressOfHex(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse().map((each) => Number.parseInt(each, 16)));
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  return canonicalHost(groups.join(":"));
}

function ownersOf(inodes: ReadonlySet<string>): Map<string, { pid: number; program: string | undefined }> {
  const owners = new Map<string, { pid: number; program: string | undefined }>();
  for (const entry of listing("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    for (const descriptor of listing(`/proc/${entry}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkTarget(`/proc/${entry}/fd/${descriptor}`))?.[1];
      // The first process that holds it is the one that opened it or its oldest child.
      if (inode !== undefined && inodes.has(inode) && !owners.has(inode)) {
        owners.set(inode, { pid: Number(entry), program: programOf(Number(entry)) });
      }
    }
  }
  return owners;
}

/** The short name of a running process, as `ps` shows it; for Node, whose threads rename themselves, the program's file. */
export function programOf(pid: number): string | undefined {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    if (name !== "MainThread") return name;
    return basename(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] ?? name);
  } catch {
    return undefined;
  }
}

function listing(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
