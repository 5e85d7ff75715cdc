import { toMeshError } from "./errors.ts";

type Cleanup = () => void | Promise<void>;

/**
 * The life of something that was started. Everything it holds (timers, listeners, servers, child scopes) is registered
 * here and released in reverse order when the scope closes; whoever waits inside it takes `signal`.
 */
export class Scope implements AsyncDisposable {
  readonly name: string;
  readonly #controller = new AbortController();
  readonly #cleanups = new Set<Cleanup>();
  #closing: Promise<void> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Registers what must happen when the scope closes; the returned function takes it back. */
  defer(cleanup: Cleanup): () => void {
    if (this.#closing) throw toMeshError(new Error(`scope ${this.name} is closed`));
    this.#cleanups.add(cleanup);
    return () => this.#cleanups.delete(cleanup);
  }

  /** Keeps a disposable for as long as the scope lives and returns it. */
  own<T extends Disposable | AsyncDisposable>(resource: T): T {
    this.defer(async () => {
      if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
      else resource[Symbol.dispose]();
    });
    return resource;
  }

  child(name: string): Scope {
    const child = new Scope(`${this.name}/${name}`);
    const forget = this.defer(() => child.close());
    child.defer(forget);
    return child;
  }

  /** Aborts the signal, then runs the clean-ups one after the other, last registered first. Safe to call twice. */
  close(reason?: unknown): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(reason: unknown): Promise<void> {
    this.#controller.abort(reason);
    const errors: unknown[] = [];
    for (const cleanup of [...this.#cleanups].reverse()) {
      try {
        await cleanup();
      } catch (error) {
        errors.push(error);
      }
    }
    this.#cleanups.clear();
    if (errors.length > 0) throw errors[0];
  }
}
