import assert from "node:assert/strict";
import type { XdsType } from "../../../core/envoy/encoded-resource.ts";
import type { SeenResponse } from "./fixtures.ts";
import type { StreamBench } from "./stream-bench.ts";

type Held = Record<XdsType, Map<string, string>>;

/** What the model decides by chance. */
export interface Mood {
  /** Whether to refuse this response. */
  refuses(response: SeenResponse): boolean;
}

/**
 * What Envoy does with ADS, as far as the experiments showed: clusters and listeners by wildcard, endpoints for each
 * cluster, one route `r`; a new or changed cluster warms until its assignment comes, and the clusters' response is only
 * answered when all in it are warm. The version of the route is the name of the cluster that it leads to.
 */
export class ModelEnvoy {
  readonly held: Held;
  bench: StreamBench;
  readonly #mood: Mood;
  /** How many frames of the bench were read. */
  #read = 0;
  /** Names with the time at which Envoy gives up waiting for the assignment (`initial_fetch_timeout`). */
  readonly #warming = new Map<string, number>();
  readonly #unanswered: SeenResponse[] = [];
  #names: string[] = [];
  broken: string | undefined;

  constructor(bench: StreamBench, mood: Mood, held?: Held) {
    this.bench = bench;
    this.#mood = mood;
    this.held = held ?? {
      cluster: new Map(),
      endpoint: new Map(),
      secret: new Map(),
      listener: new Map(),
      route: new Map(),
    };
    this.#hello();
  }

  /** Reads one response, if there is one; true if so. */
  read(): boolean {
    const response = this.bench.sent[this.#read];
    if (!response) return false;
    this.#read++;
    if (this.#mood.refuses(response)) this.#answer(response, "refused by chance");
    else {
      this.#apply(response);
      this.#unanswered.push(response);
    }
    this.#checkRoute();
    return true;
  }

  /** Answers what can be answered; true if there was something. */
  answer(): boolean {
    const now = this.bench.clock.monotonic();
    const warm = [...this.#warming.values()].every((until) => until <= now);
    const index = this.#unanswered.findIndex(({ type }) => type !== "cluster" || warm);
    const [response] = index < 0 ? [] : this.#unanswered.splice(index, 1);
    if (response) this.#answer(response);
    return response !== undefined;
  }

  #hello(): void {
    const { bench, held } = this;
    const initial = (type: XdsType) => ({ initial: Object.fromEntries(held[type]) });
    this.#names = [...held.cluster.keys()];
    if (bench.variant === "delta") {
      bench.delta("cluster", initial("cluster"));
      if (this.#names.length > 0) bench.delta("endpoint", { subscribe: this.#names, ...initial("endpoint") });
      bench.delta("listener", initial("listener"));
      bench.delta("route", { subscribe: ["r"], ...initial("route") });
    } else {
      bench.sotw("cluster");
      if (this.#names.length > 0) bench.sotw("endpoint", { names: this.#names });
      bench.sotw("listener");
      bench.sotw("route", { names: ["r"] });
    }
  }

  #apply({ type, resources, removed }: SeenResponse): void {
    const held = this.held[type];
    const now = new Map(resources.map((each) => each.split("@") as [string, string]));
    const complete = this.bench.variant === "sotw" && (type === "cluster" || type === "listener");
    const gone = complete ? [...held.keys()].filter((name) => !now.has(name)) : removed;
    for (const name of gone) held.delete(name);
    for (const [name, version] of now) {
      // An assignment that no cluster waits for any more is thrown away.
      if (type === "endpoint" && !this.#names.includes(name)) continue;
      if (type === "cluster" && held.get(name) !== version)
        this.#warming.set(name, this.bench.clock.monotonic() + 15_000);
      if (type === "endpoint") this.#warming.delete(name);
      held.set(name, version);
    }
    if (type !== "cluster") return;
    for (const name of gone) {
      this.#warming.delete(name);
      this.held.endpoint.delete(name);
    }
    this.#subscribe([...held.keys()]);
  }

  #subscribe(names: string[]): void {
    const subscribe = names.filter((name) => !this.#names.includes(name));
    const unsubscribe = this.#names.filter((name) => !names.includes(name));
    if (subscribe.length + unsubscribe.length === 0) return;
    this.#names = names;
    if (this.bench.variant === "delta") this.bench.delta("endpoint", { subscribe, unsubscribe });
    else this.bench.sotw("endpoint", { names, nonce: this.#endpointNonce });
  }

  /** Nonce of the last endpoint response that was read: Envoy cannot know a newer one. */
  get #endpointNonce(): string {
    return this.bench.sent.slice(0, this.#read).findLast(({ type }) => type === "endpoint")?.nonce ?? "";
  }

  #answer({ type, nonce }: SeenResponse, error?: string): void {
    const names = type === "endpoint" ? this.#names : type === "route" ? ["r"] : [];
    const refusal = error === undefined ? {} : { error };
    if (this.bench.variant === "delta") this.bench.delta(type, { nonce, ...refusal });
    else this.bench.sotw(type, { nonce, names, ...refusal });
  }

  #checkRoute(): void {
    const target = this.held.route.get("r");
    if (target === undefined || this.held.cluster.has(target)) return;
    this.broken ??= `the route leads to ${target}, which is not there`;
  }

  /** Fails unless it has exactly this picture. */
  assertHolds(picture: Readonly<Record<string, Readonly<Record<string, string>>>>, what: string): void {
    for (const type of ["cluster", "endpoint", "listener", "route"] as const) {
      const sorted = (entries: Iterable<[string, string]>) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
      const wanted = Object.entries(picture[type] ?? {});
      assert.deepEqual(sorted(this.held[type]), sorted(wanted), `${what}: ${type}`);
    }
  }
}
