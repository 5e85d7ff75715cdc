import { isIPv4 } from "node:net";
import type { Clock } from "../kernel/clock.ts";
import { isAbortError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { Scope } from "../kernel/scope.ts";
import type { ResolveName } from "./system-dns.ts";

export interface AddressResolverOptions {
  readonly resolve: ResolveName;
  readonly clock: Clock;
  readonly log: Logger;
  readonly scope: Scope;
  /** Called when the address of a name in use is found or becomes another one. */
  readonly onAddress: (host: string, address: string) => void;
}

/** Limits of the time until a name is asked for again, in milliseconds. */
const SHORTEST_TTL_MS = 1000;
const LONGEST_TTL_MS = 24 * 3_600_000;
/** After a failure: 1 s, doubled each time. */
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;

interface Name {
  users: number;
  address: string | undefined;
  failures: number;
  readonly controller: AbortController;
  /** The first attempt, successful or not. */
  readonly first: Promise<void>;
  timer: Disposable | undefined;
}

/**
 * Keeps the addresses of the DNS names that are in use. A name is asked for again when its answer expires, and only while
 * somebody uses it; without names nothing runs. While a name cannot be resolved its last good answer stays. Of several
 * addresses the lowest one counts, IPv4 first, so that the order of answers changes nothing.
 */
export class AddressResolver {
  readonly #options: AddressResolverOptions;
  readonly #names = new Map<string, Name>();

  constructor(options: AddressResolverOptions) {
    this.#options = options;
    options.scope.defer(() => {
      for (const name of this.#names.values()) stop(name);
      this.#names.clear();
    });
  }

  /** Names in use. */
  get size(): number {
    return this.#names.size;
  }

  address(host: string): string | undefined {
    return this.#names.get(host)?.address;
  }

  /** Begins to use a name; as often as `release` is called for it. Without effect once the scope is closed. */
  use(host: string): void {
    if (this.#options.scope.closed) return;
    const known = this.#names.get(host);
    if (known) {
      known.users++;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const controller = new AbortController();
    const name: Name = { users: 1, address: undefined, failures: 0, controller, first: promise, timer: undefined };
    this.#names.set(host, name);
    void this.#ask(host, name).then(resolve);
  }

  release(host: string): void {
    const name = this.#names.get(host);
    if (!name || --name.users > 0) return;
    stop(name);
    this.#names.delete(host);
  }

  /** Resolves when every name in use was tried once. */
  async tried(): Promise<void> {
    await Promise.all([...this.#names.values()].map(({ first }) => first));
  }

  /** Never rejects. */
  async #ask(host: string, name: Name): Promise<void> {
    const { signal } = name.controller;
    let wait: number;
    try {
      const { addresses, ttl } = await this.#options.resolve(host, signal);
      if (signal.aborted) return;
      wait = Math.min(Math.max(ttl, SHORTEST_TTL_MS), LONGEST_TTL_MS);
      this.#found(host, name, addresses);
    } catch (error) {
      if (signal.aborted || isAbortError(error)) return;
      wait = Math.min(FIRST_RETRY_MS * 2 ** name.failures, LONGEST_RETRY_MS);
      this.#failed(host, name, error);
    }
    name.timer = this.#options.clock.after(wait, () => void this.#ask(host, name));
  }

  #found(host: string, name: Name, addresses: readonly string[]): void {
    const address = lowestAddress(addresses);
    if (address === undefined) throw new Error(`no address for ${host}`);
    if (name.failures > 0) this.#options.log.info("dns-recovered", `${host} is found again: ${address}.`, { host });
    name.failures = 0;
    if (name.address === address) return;
    name.address = address;
    this.#options.onAddress(host, address);
  }

  #failed(host: string, name: Name, error: unknown): void {
    if (name.failures++ > 0) return;
    const reason = (error as { code?: unknown }).code ?? (error as Error).message;
    const kept = name.address
      ? `the last answer, ${name.address}, stays in use`
      : "its Dataplanes get no traffic until it is found";
    this.#options.log.warn("dns-failed", `${host} cannot be resolved (${reason}); ${kept}.`, { host });
  }
}

function stop(name: Name): void {
  name.controller.abort();
  name.timer?.[Symbol.dispose]();
}

/** IPv4 before IPv6, then by number. */
export function lowestAddress(addresses: readonly string[]): string | undefined {
  return addresses.toSorted((a, b) => compareKeys(addressKey(a), addressKey(b)))[0];
}

/** Four or eight numbers; fewer numbers sort first. */
function addressKey(address: string): readonly number[] {
  if (isIPv4(address)) return address.split(".").map(Number);
  const full = new URL(`http://[${address.split("%")[0]}]/`).hostname.slice(1, -1);
  const [head = "", tail] = full.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const [front, back] = [groups(head), groups(tail ?? "")];
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return a.length - b.length;
  const at = a.findIndex((part, index) => part !== b[index]);
  return at === -1 ? 0 : (a[at] as number) - (b[at] as number);
}
