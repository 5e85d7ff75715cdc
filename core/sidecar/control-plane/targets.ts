import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { addressOf, type ControlPlaneAddress, parseAddress } from "../trust/address.ts";

/** One control plane that can be tried. */
export interface Target {
  readonly address: ControlPlaneAddress;
  /** The record of the address's name that is meant; undefined where the name has only one of a kind. */
  readonly ip?: string | undefined;
}

export type Resolve = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

const systemResolve: Resolve = (host) => lookup(host, { all: true });

/** Reads `--cp-address`: one https URL, or several separated by commas. MM100 when one is none. */
export function parseAddresses(text: string): ControlPlaneAddress[] {
  const urls = text.split(",").map((each) => each.trim());
  return urls.filter((each, at) => each !== "" || urls.length === 1 || at === 0).map(parseAddress);
}

/**
 * The control planes of one mesh, tried one after the other: the addresses that were given, and where a name has several
 * records, each of them. Every sidecar begins at another one, by its name, so that they share the load.
 */
export class Targets {
  readonly #addresses: readonly ControlPlaneAddress[];
  readonly #resolve: Resolve;
  readonly #start: number;
  #targets: readonly Target[] = [];
  #at = 0;

  constructor(addresses: readonly ControlPlaneAddress[], name: string, resolve: Resolve = systemResolve) {
    this.#addresses = addresses;
    this.#resolve = resolve;
    this.#start = createHash("sha256").update(name).digest().readUInt32BE();
  }

  /** How many there are; 0 before the first `current`. */
  get size(): number {
    return this.#targets.length;
  }

  /** As they were found last. */
  get all(): readonly Target[] {
    return this.#targets;
  }

  /** The one to use now. Names are looked up again each time all were tried. */
  async current(): Promise<Target> {
    if (this.#at % Math.max(this.#targets.length, 1) === 0) {
      const found = (await Promise.all(this.#addresses.map((address) => this.#targetsOf(address)))).flat();
      // Between two calls at once the second finds the work done.
      this.#targets = found;
    }
    const { length } = this.#targets;
    return this.#targets[(this.#start + this.#at) % length] as Target;
  }

  /** The present one is no good: the next is used from now on. */
  next(): void {
    this.#at = (this.#at + 1) % Math.max(this.#targets.length, 1);
  }

  async #targetsOf(address: ControlPlaneAddress): Promise<Target[]> {
    if (isIP(address.host) !== 0) return [{ address }];
    // A name that cannot be resolved is tried as it is, and then fails with a reason.
    const records = await this.#resolve(address.host).catch(() => []);
    const addresses = [...new Set(records.map((each) => each.address))].sort();
    const families = addresses.map((each) => isIP(each));
    // One address of each family is one machine: which of them works, Node finds out.
    if (new Set(families).size === families.length) return [{ address }];
    return addresses.map((ip) => ({ address, ip }));
  }
}

/** `https://10.0.0.11:5678`, with the record that is meant when the name has several. */
export function targetText({ address, ip }: Target): string {
  const host = `https://${address.text}`;
  return ip ? `${host} (${addressOf(ip, address.port).text})` : host;
}
