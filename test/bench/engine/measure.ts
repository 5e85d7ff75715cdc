import { setTimeout as sleep } from "node:timers/promises";
import { expectOk, type RestAnswer } from "../../../cmd/ctl/rest-client.ts";
import type { Variant } from "../../../core/xds/discovery-response.ts";
import type { MeasuredControlPlane, Memory } from "./control-plane.ts";
import { Fleet } from "./fleet.ts";
import { monotonic } from "./monotonic.ts";
import { extraEndpoint, proxyName, type Shape, serviceName } from "./shape.ts";
import type { Watch } from "./simulated-sidecar.ts";

export interface MeasureOptions {
  readonly shape: Shape;
  readonly variant: Variant;
  readonly workers: number;
  /** Changes of each kind. */
  readonly rounds: number;
  /** Before memory and idling are measured; seconds. */
  readonly settleSeconds: number;
  readonly idleSeconds: number;
  /** How long a control plane is watched that lost all its sidecars at once; seconds. */
  readonly lossSeconds: number;
  /** Between two changes; milliseconds. */
  readonly gapMs: number;
  /** After this a change that has not arrived is given up; seconds. */
  readonly patienceSeconds: number;
  readonly extensionBytes: number;
  readonly keepaliveMs: number;
  readonly say: (line: string) => void;
}

/** Milliseconds from the moment the change was sent to the REST server until a consumer had it; over all consumers and rounds. */
export interface Latency {
  readonly consumers: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Consumers that did not get it in time, over all rounds. */
  readonly missing: number;
}

export interface ChangeFigures {
  readonly added: Latency;
  readonly removed: Latency;
  /** CPU seconds of the control plane, all that it does between two changes included. */
  readonly cpuPerChange: number;
  readonly generatorCpuPerChange: number;
}

export interface Figures {
  readonly proxies: number;
  readonly variant: Variant;
  readonly empty: Memory;
  /** Seconds until the last one was fully configured, CPU seconds until then, and until all that follows was done. */
  readonly connect: {
    readonly wall: number;
    readonly cpu: number;
    readonly cpuAfter: number;
    readonly generatorCpu: number;
  };
  readonly settled: Memory;
  /** Share of one core. */
  readonly idle: { readonly cpu: number; readonly generatorCpu: number };
  readonly all: ChangeFigures;
  readonly few: ChangeFigures;
  /** Undefined when the control plane does not know MeshTimeout. */
  readonly policy: { readonly latency: Latency; readonly cpuPerChange: number } | undefined;
  readonly end: Memory;
  /** CPU seconds of a control plane that lost all its sidecars at once. */
  readonly lossCpu: number;
  /** Longest turn of the event loop, in milliseconds: while all connected, during all changes, and when all were lost at once. */
  readonly loopLag: { readonly connect: number; readonly changes: number; readonly loss: number } | undefined;
  readonly failures: readonly string[];
}

const WARM_UP_ROUNDS = 10;

/** Everything in the table of one size, on a control plane that has just started. */
export async function measure(plane: MeasuredControlPlane, options: MeasureOptions): Promise<Figures> {
  const { shape, variant, workers, say, extensionBytes, keepaliveMs } = options;
  const empty = plane.memory();
  say(`control plane has pid ${plane.pid}; making ${shape.proxies} tokens`);
  const tokens = await makeTokens(plane, shape.proxies);
  using fleet = new Fleet({
    shape,
    variant,
    workers,
    tokens,
    host: "127.0.0.1",
    port: plane.dpPort,
    extensionBytes,
    keepaliveMs,
    // All at once, as after an outage; what one process cannot have open at once it could not send either.
    concurrency: Math.ceil(Math.min(shape.proxies, 400) / workers),
  });
  await sleep(1000);
  say("connecting");
  await plane.loopLag();
  const connect = await measureConnect(plane, fleet, options);
  const lagOfConnect = await plane.loopLag();
  const settled = plane.memory();
  say(`idle for ${options.idleSeconds} s`);
  const idle = await measureIdle(plane, fleet, options.idleSeconds);
  const bench = new ChangeBench(plane, fleet, options);
  await bench.warmUp();
  await plane.loopLag();
  say(`${options.rounds} endpoint changes of each kind, ${shape.proxies} consumers`);
  const all = await bench.endpoints(serviceName(0));
  say(`the same, ${shape.few} consumers`);
  const few = await bench.endpoints(serviceName(1));
  say("a policy that changes every cluster");
  const policy = await bench.policy();
  const end = plane.memory();
  const lagOfChanges = await plane.loopLag();
  say("all sidecars are gone at once");
  const failures = [...fleet.failures];
  const lossCpu = await measureLoss(plane, fleet, options.lossSeconds);
  const lagOfLoss = await plane.loopLag();
  return {
    proxies: shape.proxies,
    variant,
    empty,
    connect,
    settled,
    idle,
    all,
    few,
    policy,
    end,
    lossCpu,
    loopLag:
      lagOfConnect === undefined || lagOfChanges === undefined || lagOfLoss === undefined
        ? undefined
        : { connect: lagOfConnect, changes: lagOfChanges, loss: lagOfLoss },
    failures,
  };
}

export async function makeTokens(plane: MeasuredControlPlane, count: number): Promise<string[]> {
  const tokens: string[] = [];
  for (let from = 0; from < count; from += 50) {
    const some = Array.from({ length: Math.min(50, count - from) }, (_, at) => proxyName(from + at));
    const answers = await Promise.all(
      some.map((name) => plane.api.post("/tokens/dataplane", { mesh: "default", name, validFor: "24h" })),
    );
    tokens.push(...answers.map((answer) => String(expectOk(answer, "no token"))));
  }
  return tokens;
}

async function measureConnect(plane: MeasuredControlPlane, fleet: Fleet, options: MeasureOptions) {
  const cpu = plane.cpuSeconds();
  const generatorCpu = fleet.cpuSeconds();
  const start = monotonic();
  const times = await fleet.join(options.patienceSeconds * 1000 + options.shape.proxies * 200);
  const cpuThen = plane.cpuSeconds();
  const generatorThen = fleet.cpuSeconds();
  options.say(`settling for ${options.settleSeconds} s`);
  await sleep(options.settleSeconds * 1000);
  return {
    wall: (times.reduce((latest, time) => Math.max(latest, time), 0) - start) / 1000,
    cpu: cpuThen - cpu,
    cpuAfter: plane.cpuSeconds() - cpu,
    generatorCpu: generatorThen - generatorCpu,
  };
}

async function measureIdle(plane: MeasuredControlPlane, fleet: Fleet, seconds: number) {
  const cpu = plane.cpuSeconds();
  const generatorCpu = fleet.cpuSeconds();
  const start = monotonic();
  await sleep(seconds * 1000);
  const wall = (monotonic() - start) / 1000;
  return { cpu: (plane.cpuSeconds() - cpu) / wall, generatorCpu: (fleet.cpuSeconds() - generatorCpu) / wall };
}

/** Their processes are killed, so the kernel breaks all connections at the same moment. */
async function measureLoss(plane: MeasuredControlPlane, fleet: Fleet, seconds: number): Promise<number> {
  const cpu = plane.cpuSeconds();
  fleet[Symbol.dispose]();
  await sleep(seconds * 1000);
  return plane.cpuSeconds() - cpu;
}

class ChangeBench {
  readonly #plane: MeasuredControlPlane;
  readonly #fleet: Fleet;
  readonly #options: MeasureOptions;
  #addresses = 0;

  constructor(plane: MeasuredControlPlane, fleet: Fleet, options: MeasureOptions) {
    this.#plane = plane;
    this.#fleet = fleet;
    this.#options = options;
  }

  /** Makes the client's own code warm with changes that concern no sidecar: it has one of the few processors too. */
  async warmUp(): Promise<void> {
    const { api } = this.#plane;
    const unused = extraEndpoint("nobody", "10.249.0.100");
    const path = `/meshes/default/dataplanes/${unused.name}`;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) {
      expectOk(await api.put(path, unused), "the change was refused");
      expectOk(await api.delete(path), "the change was refused");
    }
    await sleep(this.#options.gapMs);
  }

  async endpoints(service: string): Promise<ChangeFigures> {
    const { api } = this.#plane;
    const { rounds } = this.#options;
    const added = new Samples();
    const removed = new Samples();
    const { cpu, generatorCpu } = await this.#costOf(async () => {
      for (let round = 0; round < rounds; round++) {
        // Three digits in the last place, so that no address is part of another.
        const address = `10.250.${Math.floor(this.#addresses / 100)}.${100 + (this.#addresses % 100)}`;
        this.#addresses++;
        const extra = extraEndpoint(service, address);
        const path = `/meshes/default/dataplanes/${extra.name}`;
        await this.#change(added, { kind: "added", service, address }, () => api.put(path, extra));
        await this.#change(removed, { kind: "removed", service, address }, () => api.delete(path));
      }
    });
    return {
      added: added.latency(),
      removed: removed.latency(),
      cpuPerChange: cpu / rounds / 2,
      generatorCpuPerChange: generatorCpu / rounds / 2,
    };
  }

  async policy(): Promise<Figures["policy"]> {
    const { api } = this.#plane;
    const path = "/meshes/default/meshtimeouts/bench-engine";
    const policy = (seconds: number) => ({
      type: "MeshTimeout",
      mesh: "default",
      name: "bench-engine",
      spec: {
        targetRef: { kind: "Mesh" },
        to: [{ targetRef: { kind: "Mesh" }, default: { connectionTimeout: `${seconds}s` } }],
      },
    });
    const probe = await api.get("/meshes/default/meshtimeouts");
    if (probe.status !== 200) return undefined;
    const samples = new Samples();
    const rounds = Math.max(2, Math.ceil(this.#options.rounds / 4));
    const { cpu } = await this.#costOf(async () => {
      for (let round = 0; round < rounds; round++) {
        const watch: Watch = { kind: "clusters", service: "", address: "" };
        await this.#change(samples, watch, () => api.put(path, policy(20 + round)));
      }
    });
    return { latency: samples.latency(), cpuPerChange: cpu / rounds };
  }

  async #costOf(run: () => Promise<void>): Promise<{ readonly cpu: number; readonly generatorCpu: number }> {
    const cpu = this.#plane.cpuSeconds();
    const generatorCpu = this.#fleet.cpuSeconds();
    await run();
    return { cpu: this.#plane.cpuSeconds() - cpu, generatorCpu: this.#fleet.cpuSeconds() - generatorCpu };
  }

  async #change(samples: Samples, watch: Watch, act: () => Promise<RestAnswer>): Promise<void> {
    let start = 0;
    const change = async () => {
      start = monotonic();
      expectOk(await act(), "the change was refused");
    };
    const { times, missing } = await this.#fleet.observe(watch, change, this.#options.patienceSeconds * 1000);
    samples.add(
      times.map((time) => time - start),
      missing,
    );
    await sleep(this.#options.gapMs);
  }
}

class Samples {
  readonly #values: number[] = [];
  #rounds = 0;
  #missing = 0;

  add(values: readonly number[], missing: number): void {
    this.#values.push(...values);
    this.#rounds++;
    this.#missing += missing;
  }

  latency(): Latency {
    const sorted = this.#values.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    const consumers = Math.round((sorted.length + this.#missing) / this.#rounds);
    return { consumers, p50: at(0.5), p99: at(0.99), max: at(1), missing: this.#missing };
  }
}
