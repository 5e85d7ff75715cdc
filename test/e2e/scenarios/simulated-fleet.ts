import { setTimeout as sleep } from "node:timers/promises";
import { expectOk } from "../../../cmd/ctl/rest-client.ts";
import type { DemoMesh } from "../../../cmd/demo/demo-mesh.ts";
import { encodeExtensions } from "../../bench/engine/messages.ts";
import { SimulatedSidecar } from "../../bench/engine/simulated-sidecar.ts";

interface Member {
  readonly name: string;
  readonly token: string;
  /** Which control plane it is at, or tries next. */
  at: number;
  sidecar: SimulatedSidecar | undefined;
}

/** Simulated sidecars (bench engine's) that consume the service `backend` and go to the next control plane when one ends. */
export class SimulatedFleet implements Disposable {
  readonly #planes: readonly DemoMesh[];
  readonly #members: Member[] = [];
  readonly #extensions = encodeExtensions(1000);
  readonly #count: number;
  #stopped = false;

  constructor(planes: readonly DemoMesh[], count: number) {
    this.#planes = planes;
    this.#count = count;
  }

  get names(): readonly string[] {
    return this.#members.map(({ name }) => name);
  }

  /** All join, half of them at each control plane. */
  async join(): Promise<void> {
    for (let at = 0; at < this.#count; at++) {
      const name = `simulated-${at}`;
      // A token of the one control plane, for the other: they share their keys.
      const { api } = this.#planes[(at + 1) % this.#planes.length] as DemoMesh;
      const token = String(expectOk(await api.post("/tokens/dataplane", { mesh: "default", name }), "no token"));
      this.#members.push({ name, token, at, sidecar: undefined });
    }
    await Promise.all(this.#members.map((member, at) => this.#connect(member, at)));
  }

  /** Resolves with the milliseconds from the call of `change` until each saw the endpoint `address` of the service. */
  async observe(service: string, address: string, change: () => Promise<void>): Promise<number[]> {
    const arrived = this.#members.map(
      ({ sidecar }) =>
        new Promise<number>((resolve) => {
          this.#arrivals.set(sidecar as SimulatedSidecar, () => resolve(performance.now()));
          sidecar?.watch({ kind: "added", service, address });
        }),
    );
    const started = performance.now();
    await change();
    return (await Promise.all(arrived)).map((at) => at - started);
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    for (const { sidecar } of this.#members) sidecar?.destroy();
  }

  readonly #arrivals = new Map<SimulatedSidecar, () => void>();

  /** Resolves when it has its first whole configuration. */
  async #connect(member: Member, index: number): Promise<void> {
    const ready = Promise.withResolvers<void>();
    while (!this.#stopped) {
      const plane = this.#planes[member.at % this.#planes.length] as DemoMesh;
      const sidecar: SimulatedSidecar = new SimulatedSidecar({
        host: "127.0.0.1",
        port: Number(new URL(plane.dpAddress).port),
        variant: index % 2 === 0 ? "sotw" : "delta",
        token: member.token,
        definition: definitionOf(member.name, index),
        extensions: this.#extensions,
        onReady: () => ready.resolve(),
        onArrived: () => this.#arrivals.get(sidecar)?.(),
        onEnd: () => void this.#move(member, index),
      });
      member.sidecar = sidecar;
      try {
        await sidecar.join();
        break;
      } catch {
        member.at++;
        await sleep(100);
      }
    }
    await ready.promise;
  }

  async #move(member: Member, index: number): Promise<void> {
    if (this.#stopped) return;
    member.at++;
    await sleep(100);
    void this.#connect(member, index);
  }
}

function definitionOf(name: string, index: number) {
  return {
    type: "Dataplane",
    mesh: "default",
    name,
    networking: {
      address: `10.9.${index >> 8}.${index & 255}`,
      inbound: [{ port: 8080, tags: { "kuma.io/service": "simulated" } }],
      outbound: [{ port: 10_000, tags: { "kuma.io/service": "backend" } }],
    },
  };
}
