import { MeshError } from "../../../core/kernel/errors.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { World } from "./world.ts";

/** What goes on without the database, or with a full disk. */
const READS: readonly PropertyKey[] = ["get", "list", "revision"];

/** A world whose store can be taken away for a while. */
export class FragileWorld extends World {
  /** Nothing works: reads and watches fail too. */
  down = false;
  /** Reads and watches go on, everything else fails. */
  readOnly = false;
  override readonly store: ResourceStore;

  constructor(retainedChanges = 5000) {
    super();
    const inner = createMemoryStore({ clock: this.clock, retainedChanges });
    this.store = new Proxy(inner, {
      get: (target, property) => {
        const value = Reflect.get(target, property) as unknown;
        if (typeof value !== "function") return value;
        if (property === "watch") return this.#watch(target);
        return async (...args: unknown[]) => {
          if (this.down || (this.readOnly && !READS.includes(property))) throw broken();
          return (value as (...given: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  }

  #watch(inner: ResourceStore): ResourceStore["watch"] {
    const check = () => {
      if (this.down) throw broken();
    };
    return async function* (revision, signal) {
      for await (const changes of inner.watch(revision, signal)) {
        check();
        yield changes;
      }
    };
  }
}

function broken(): MeshError {
  return new MeshError("MM503", "the disk is full");
}
