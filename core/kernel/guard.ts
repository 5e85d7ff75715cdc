import type { Clock } from "./clock.ts";
import { MeshError } from "./errors.ts";
import type { Logger } from "./log.ts";
import { messageOf } from "./plugin.ts";
import { withinTime } from "./time-limit.ts";

/** A user's plugin whose instance is called. */
export interface GuardOptions {
  readonly kind: string;
  readonly name: string;
  /** The file it was loaded from. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** A call that takes longer is given up, milliseconds. Default 30 s. */
  readonly limitMs?: number | undefined;
}

/**
 * Calls into a user's plugin: within a time limit, with every error a MeshError that names the plugin, and with a look at
 * what comes back. A broken contract is logged once for each way of breaking it.
 */
export class Guard {
  readonly #options: GuardOptions;
  readonly #limitMs: number;
  readonly #told = new Set<string>();

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#limitMs = options.limitMs ?? 30_000;
  }

  /** `wrong` says what is wrong with the result; undefined if nothing is. */
  async call<T>(method: string, work: () => T | PromiseLike<T>, wrong: (result: T) => string | undefined): Promise<T> {
    let result: T;
    try {
      result = await withinTime(this.#options.clock, this.#limitMs, work, () =>
        this.error("MM503", `did not answer ${method} within ${this.#limitMs / 1000} s`),
      );
    } catch (error) {
      throw this.asMeshError(method, error);
    }
    const finding = safely(() => wrong(result));
    if (finding) throw this.broken(method, finding);
    return result;
  }

  /** The error of a call that returned what it must not. */
  broken(method: string, finding: string): MeshError {
    const error = this.error("MM801", `broke its contract: ${method} ${finding}`);
    if (!this.#told.has(error.message)) {
      this.#told.add(error.message);
      this.#options.log.error("plugin-broken", error.message, { code: error.code, file: this.#options.file });
    }
    return error;
  }

  /** What the plugin threw, if it is a MeshError; else one that says who threw it. */
  asMeshError(method: string, thrown: unknown): MeshError {
    if (thrown instanceof MeshError) return thrown;
    return this.error("MM500", `failed in ${method}: ${messageOf(thrown)}`, thrown);
  }

  error(code: "MM500" | "MM503" | "MM801", what: string, cause?: unknown): MeshError {
    const { kind, name, file } = this.#options;
    return new MeshError(code, `the ${kind} plugin "${name}" ${what}`, { where: file, cause });
  }
}

/** Looking at a result can throw as well: getters, proxies. */
function safely(look: () => string | undefined): string | undefined {
  try {
    return look();
  } catch (error) {
    return `returned something that throws when it is read: ${messageOf(error)}`;
  }
}
