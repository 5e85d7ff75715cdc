import type { Scope } from "../kernel/scope.ts";
import type { ControlPlaneCa, ServerIdentity, TlsIdentity } from "./control-plane-ca.ts";
import { loadServerIdentity, type ServerIdentityOptions } from "./server-identity.ts";

/** How often certificates and the machine's addresses are looked at again: once a day. */
const CHECK_INTERVAL_MS = 24 * 3_600_000;

export interface ControlPlaneCaOptions extends ServerIdentityOptions {
  /** Owns the daily check. */
  readonly scope: Scope;
}

/**
 * Opens the control plane's CA and this instance's server certificate. The first start makes both (about 15 ms), later
 * ones read them (about 3 ms). Once a day it looks whether the certificate runs out, the machine has new addresses or
 * the user's files changed, and then hands the new identity to the listeners. Rejects with MM105, MM201 or MM321.
 */
export async function openControlPlaneCa(options: ControlPlaneCaOptions): Promise<ControlPlaneCa> {
  const ca = new OpenControlPlaneCa(options, await loadServerIdentity(options));
  ca.watch();
  return ca;
}

class OpenControlPlaneCa implements ControlPlaneCa {
  readonly #options: ControlPlaneCaOptions;
  readonly #listeners = new Set<(identity: TlsIdentity) => void>();
  #current: ServerIdentity;

  constructor(options: ControlPlaneCaOptions, current: ServerIdentity) {
    this.#options = options;
    this.#current = current;
  }

  get origin(): ServerIdentity["origin"] {
    return this.#current.origin;
  }

  get certificate(): string {
    return this.#current.certificate;
  }

  get publicKeyDigests(): readonly string[] {
    return this.#current.publicKeyDigests;
  }

  get identity(): TlsIdentity {
    return this.#current.identity;
  }

  get hosts(): readonly string[] {
    return this.#current.hosts;
  }

  onChange(listener: (identity: TlsIdentity) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  watch(): void {
    const { clock, scope } = this.#options;
    let timer = clock.after(CHECK_INTERVAL_MS, () => void check());
    const check = async (): Promise<void> => {
      await this.#refresh();
      if (!scope.closed) timer = clock.after(CHECK_INTERVAL_MS, () => void check());
    };
    scope.defer(() => timer[Symbol.dispose]());
  }

  async #refresh(): Promise<void> {
    const { log, scope } = this.#options;
    try {
      const next = await loadServerIdentity(this.#options);
      if (next.identity.chain === this.#current.identity.chain) return;
      this.#current = next;
      for (const listener of this.#listeners) listener(next.identity);
      log.info("certificate", "the server certificate was made anew", { hosts: next.hosts });
    } catch (error) {
      if (scope.closed) return;
      // What is in use stays in use; tomorrow is another attempt, long before it runs out.
      log.warn("certificate", `the server certificate could not be looked after: ${(error as Error).message}`);
    }
  }
}
