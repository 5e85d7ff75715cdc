import type { Clock } from "../../kernel/clock.ts";
import type { SidecarHealth } from "../../model/dataplane/sidecar-health.ts";
import type { Workload } from "../../model/types/dataplane.ts";
import { Prober } from "./prober.ts";

export interface ApplicationProbesOptions {
  readonly clock: Clock;
  /** `--wait-for-app`: applications without a service probe are not ready before they answer for the first time. */
  readonly waitForApp: boolean;
  /** The definition is the control plane's, which may ask for a probe at any time: there is something to say from the start. */
  readonly indirect?: boolean | undefined;
}

/** One application became ready, or stopped being so. */
export interface ProbeNews {
  readonly workload: Workload;
  readonly ready: boolean;
  /** How long it was the other way round; milliseconds. */
  readonly after: number;
}

/** What this sidecar knows of the applications behind its inbounds, always up to date. */
export class ApplicationProbes implements Disposable {
  readonly #options: ApplicationProbesOptions;
  readonly #listeners = new Set<(news: ProbeNews | undefined) => void>();
  /** By everything that matters to a prober. */
  #probers = new Map<string, Prober>();
  /** Of all inbounds. */
  #ports: readonly number[] = [];
  #trouble: { readonly text: string; readonly serves: boolean } | undefined;
  #disposed = false;
  #health: SidecarHealth = { sequence: 0, notReady: [], probed: [] };

  constructor(options: ApplicationProbesOptions) {
    this.#options = options;
    if (options.indirect) this.#health = { ...this.#health, sequence: 1 };
  }

  get health(): SidecarHealth {
    return this.#health;
  }

  /** Applications that do not answer, or were not tried yet. */
  get waiting(): readonly Workload[] {
    return [...this.#probers.values()].filter(({ ready }) => !ready).map(({ workload }) => workload);
  }

  /** Probes these from now on. What is known of an application stays known, also when it is to be probed in another way. */
  follow(workloads: readonly Workload[]): void {
    if (this.#disposed) return;
    this.#ports = workloads.map(({ port }) => port);
    const before = this.#probers;
    this.#probers = new Map();
    for (const workload of workloads) {
      if (!workload.probe && !this.#options.waitForApp) continue;
      const key = JSON.stringify(workload);
      if (!this.#probers.has(key))
        this.#probers.set(key, before.get(key) ?? this.#start(workload, [...before.values()]));
    }
    for (const [key, prober] of before) if (!this.#probers.has(key)) prober[Symbol.dispose]();
    this.#update(undefined);
  }

  /** What is wrong with Envoy; unless it `serves` all the same, no inbound is ready, whatever its application answers. */
  setTrouble(trouble: { readonly text: string; readonly serves: boolean } | undefined): void {
    this.#trouble = trouble;
    this.#update(undefined);
  }

  /** Calls back after each change of `health`; `news` is undefined when no application was the reason. */
  onChange(listener: (news: ProbeNews | undefined) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#listeners.clear();
    for (const prober of this.#probers.values()) prober[Symbol.dispose]();
  }

  #start(workload: Workload, before: readonly Prober[]): Prober {
    const { clock } = this.#options;
    const known = before.find((each) => isSameApplication(each.workload, workload))?.ready;
    const prober: Prober = new Prober({
      workload,
      clock,
      known,
      onChange: (after) => this.#update({ workload, ready: prober.ready, after }),
    });
    return prober;
  }

  #update(news: ProbeNews | undefined): void {
    const all = [...this.#probers.values()];
    const portsOf = (probers: readonly Prober[]) =>
      this.#trouble?.serves === false ? this.#ports : probers.map(({ workload }) => workload.port);
    const probed = [...new Set(portsOf(all))];
    const notReady = [...new Set(portsOf(all.filter(({ ready }) => !ready)))];
    const trouble = this.#trouble?.text;
    const { health } = this;
    if (same(probed, health.probed) && same(notReady, health.notReady) && trouble === health.trouble) return;
    this.#health = { sequence: health.sequence + 1, notReady, probed, ...(trouble === undefined ? {} : { trouble }) };
    for (const listener of [...this.#listeners]) listener(news);
  }
}

function isSameApplication(a: Workload, b: Workload): boolean {
  return a.port === b.port && a.address === b.address && a.servicePort === b.servicePort;
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((port, index) => port === b[index]);
}
