import { MeshError } from "../kernel/errors.ts";
import type { SidecarHealth } from "../model/dataplane/sidecar-health.ts";
import type { Resource } from "../model/resource.ts";
import type { PresenceLease, ProxyStream } from "./presence.ts";

/** One stream of a proxy with its hold on the place: active, parked or over. */
export class Lease implements PresenceLease {
  readonly stream: ProxyStream;
  /** Settles when the lease is active for the first time; rejects when its stream ends before. */
  readonly admitted: Promise<void>;
  /** Epoch at which it took its place. */
  epoch = 0;
  /** True between the first `activate` and the end. */
  active = false;
  /** Why the stream ended; undefined while it is open. */
  ended: string | undefined;
  readonly #onEnd: (lease: Lease, reason: string) => void;
  readonly #listeners = new Set<(active: boolean) => void>();
  readonly #abort: () => void;
  #dataplane: Resource | undefined;
  #health: SidecarHealth | undefined;
  #admit: () => void = () => undefined;
  #refuse: (error: MeshError) => void = () => undefined;

  /** `onEnd` is called once, at once, when the stream ended. */
  constructor(stream: ProxyStream, onEnd: (lease: Lease, reason: string) => void) {
    this.stream = stream;
    this.#health = stream.health;
    this.#onEnd = onEnd;
    this.admitted = new Promise((resolve, reject) => {
      this.#admit = resolve;
      this.#refuse = reject;
    });
    this.admitted.catch(() => undefined);
    // Whoever ends the stream says why right after; that reason is the better one.
    this.#abort = () => queueMicrotask(() => this.close("the stream ended"));
    stream.signal.addEventListener("abort", this.#abort, { once: true });
  }

  get dataplane(): Resource {
    if (!this.#dataplane) throw new Error("the lease was never active");
    return this.#dataplane;
  }

  /** What its sidecar said last about its applications. */
  get health(): SidecarHealth | undefined {
    return this.#health;
  }

  heard(health: SidecarHealth): void {
    if (health.sequence > (this.#health?.sequence ?? -1)) this.#health = health;
  }

  activate(dataplane: Resource, epoch: number): void {
    this.#dataplane = dataplane;
    this.epoch = epoch;
    if (this.ended !== undefined) return;
    this.#admit();
    this.#setActive(true);
  }

  park(): void {
    this.#setActive(false);
  }

  onActive(listener: (active: boolean) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  close(reason: string): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.stream.signal.removeEventListener("abort", this.#abort);
    this.#refuse(new MeshError("MM700", `the stream ended while it waited for its place: ${reason}`));
    this.#listeners.clear();
    this.active = false;
    this.#onEnd(this, reason);
  }

  /** Ends the stream from this side; `reason` is shown to the proxy. */
  end(reason: string): void {
    if (this.ended !== undefined) return;
    this.close(reason);
    this.stream.end(reason);
  }

  #setActive(active: boolean): void {
    if (this.active === active) return;
    this.active = active;
    for (const listener of [...this.#listeners]) listener(active);
  }
}
