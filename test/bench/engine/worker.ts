import { setTimeout as sleep } from "node:timers/promises";
import type { Variant } from "../../../core/xds/discovery-response.ts";
import { encodeExtensions } from "./messages.ts";
import { monotonic } from "./monotonic.ts";
import { definitionOf, isOneOfFew, type Shape, serviceName } from "./shape.ts";
import { SimulatedSidecar, type Watch } from "./simulated-sidecar.ts";

const RETRY_MS = 500;

/* One process of the load generator: its share of the sidecars, told what to do by `fleet.ts`. */

export interface Start {
  readonly kind: "start";
  readonly shape: Shape;
  /** Indexes of the proxies that this process plays. */
  readonly from: number;
  readonly to: number;
  readonly variant: Variant;
  readonly host: string;
  readonly port: number;
  /** By index, from `from` on. */
  readonly tokens: readonly string[];
  readonly extensionBytes: number;
  /** Sidecars that are on their way in at the same time. */
  readonly concurrency: number;
  /** Milliseconds between two pings of a connection, as gRPC keepalive sends them. */
  readonly keepaliveMs: number;
  /**
   * Milliseconds for which it looks for messages without sleeping once it waits for a change. Waking it is the sender's work,
   * and the kernel likes to wake it on the sender's processor: sidecars on machines of their own do neither.
   */
  readonly pollMs: number;
}

export type Order =
  | Start
  | { readonly kind: "watch"; readonly watch: Watch }
  | { readonly kind: "report" }
  /** The sidecars with these indexes end abruptly and join again. */
  | { readonly kind: "churn"; readonly indexes: readonly number[] };

export type Report =
  /** Monotonic times at which each was fully configured, milliseconds. */
  | { readonly kind: "joined"; readonly times: readonly number[] }
  | { readonly kind: "armed"; readonly consumers: number }
  | { readonly kind: "arrived"; readonly times: readonly number[]; readonly missing: number }
  | { readonly kind: "churned" }
  /** A sidecar lost its connection or could not join. One that is not configured yet tries again, as real ones do. */
  | { readonly kind: "failed"; readonly reason: string };

const tell = (report: Report) => void process.send?.(report);

class Share {
  readonly #start: Start;
  readonly #extensions: Buffer;
  readonly #sidecars = new Map<number, SimulatedSidecar>();
  #arrived: number[] = [];
  #waiting = 0;

  constructor(start: Start) {
    this.#start = start;
    this.#extensions = encodeExtensions(start.extensionBytes);
  }

  async joinAll(): Promise<void> {
    const { from, to } = this.#start;
    const times = await this.#joinSome(Array.from({ length: to - from }, (_, at) => from + at));
    tell({ kind: "joined", times });
    this.#keepAlive();
  }

  async churn(indexes: readonly number[]): Promise<void> {
    for (const index of indexes) this.#sidecars.get(index)?.destroy();
    await this.#joinSome(indexes);
    tell({ kind: "churned" });
  }

  watch(watch: Watch): void {
    this.#arrived = [];
    this.#waiting = 0;
    for (const [index, sidecar] of this.#sidecars) {
      if (watch.service === serviceName(1) && !isOneOfFew(this.#start.shape, index)) continue;
      sidecar.watch(watch);
      this.#waiting++;
    }
    tell({ kind: "armed", consumers: this.#waiting });
    if (this.#waiting === 0) this.report();
    else this.#stayAwake(monotonic() + this.#start.pollMs);
  }

  report(): void {
    tell({ kind: "arrived", times: this.#arrived, missing: this.#waiting });
  }

  /** A loop with an immediate does not block in the kernel. */
  #stayAwake(until: number): void {
    if (this.#waiting > 0 && monotonic() < until) setImmediate(() => this.#stayAwake(until));
  }

  async #joinSome(indexes: readonly number[]): Promise<number[]> {
    const queue = [...indexes];
    const times: number[] = [];
    const next = async () => {
      for (let index = queue.shift(); index !== undefined; index = queue.shift()) times.push(await this.#join(index));
    };
    await Promise.all(Array.from({ length: this.#start.concurrency }, next));
    return times;
  }

  async #join(index: number): Promise<number> {
    for (;;) {
      try {
        return await this.#try(index);
      } catch (error) {
        tell({ kind: "failed", reason: `sidecar ${index}: ${(error as Error).message}` });
        await sleep(RETRY_MS);
      }
    }
  }

  #try(index: number): Promise<number> {
    const { shape, host, port, variant, tokens, from } = this.#start;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    let ready = false;
    const sidecar = new SimulatedSidecar({
      host,
      port,
      variant,
      token: tokens[index - from] ?? "",
      definition: definitionOf(shape, index),
      extensions: this.#extensions,
      onReady() {
        ready = true;
        resolve(monotonic());
      },
      onArrived: () => {
        this.#arrived.push(monotonic());
        if (--this.#waiting === 0) this.report();
      },
      onEnd(reason) {
        if (ready) tell({ kind: "failed", reason: `sidecar ${index}: ${reason}` });
        else reject(new Error(reason));
      },
    });
    this.#sidecars.set(index, sidecar);
    sidecar.join().catch(reject);
    return promise;
  }

  /** Spread over the interval, as those of real sidecars are. */
  #keepAlive(): void {
    const { keepaliveMs } = this.#start;
    if (keepaliveMs === 0) return;
    const indexes = [...this.#sidecars.keys()];
    const steps = 100;
    let step = 0;
    setInterval(() => {
      for (let at = step; at < indexes.length; at += steps) this.#sidecars.get(indexes[at] as number)?.ping();
      step = (step + 1) % steps;
    }, keepaliveMs / steps);
  }
}

let share: Share | undefined;

process.on("message", (order: Order) => {
  if (order.kind === "start") {
    share = new Share(order);
    void share.joinAll();
  } else if (order.kind === "watch") share?.watch(order.watch);
  else if (order.kind === "report") share?.report();
  else void share?.churn(order.indexes);
});
process.on("disconnect", () => process.exit(0));
