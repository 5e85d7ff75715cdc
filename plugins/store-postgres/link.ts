import type pg from "pg";
import type { Clock } from "../../core/kernel/clock.ts";
import { formatDuration } from "../../core/kernel/duration.ts";
import { MeshError } from "../../core/kernel/errors.ts";
import type { Logger } from "../../core/kernel/log.ts";
import { createClient, openPool, type PostgresOptions, placeOf } from "./connection.ts";
import { isAway, storeError } from "./postgres-errors.ts";
import { Session } from "./session.ts";

export interface LinkEvents {
  /** The database is there, for the first time or again: bring everything up to date. A rejection means that it is not. */
  onUp(): Promise<void>;
  onRevision(revision: number): void;
  onLeads(leads: boolean): void;
}

export interface LinkOptions {
  readonly postgres: PostgresOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: LinkEvents;
}

/**
 * All connections to the database, and whether it is there. Whoever finds that it is not tells all the others: they are
 * answered at once, without waiting for it each, until it is back.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #stop = new AbortController();
  readonly #session: Session;
  #pool: pg.Pool;
  #lost: { readonly error: MeshError; readonly at: number } | undefined;

  /** `pool` is the one that the store was opened with. */
  constructor(options: LinkOptions, pool: pg.Pool) {
    this.#options = options;
    this.#pool = pool;
    const { clock, events, postgres } = options;
    this.#session = new Session({
      connect: () => createClient(postgres),
      clock,
      signal: this.#stop.signal,
      onUp: () => this.#up(),
      onDown: (error) => this.#lose(storeError(error, placeOf(postgres))),
      onRevision: (revision) => events.onRevision(revision),
      onLeads: (leads) => events.onLeads(leads),
    });
  }

  get pool(): pg.Pool {
    return this.#pool;
  }

  /** What keeps the database away; undefined while it is there. */
  get away(): MeshError | undefined {
    return this.#lost?.error;
  }

  /** Runs what asks the database; rejects with MM503 at once while it is away, and with a MeshError when it fails. */
  async ask<T>(work: (pool: pg.Pool) => Promise<T>): Promise<T> {
    if (this.#lost) throw again(this.#lost.error);
    const pool = this.#pool;
    try {
      return await work(pool);
    } catch (thrown) {
      const error = storeError(thrown, placeOf(this.#options.postgres));
      // What comes late from connections that were given up already says nothing about the present ones.
      if (isAway(thrown) && pool === this.#pool) {
        this.#lose(error);
        this.#session.restart();
      }
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#session.ended;
    await this.#pool.end();
  }

  async #up(): Promise<void> {
    const { log, clock, events } = this.#options;
    await events.onUp();
    const lost = this.#lost;
    this.#lost = undefined;
    if (!lost) return;
    log.info("store-recovered", `the store's database is back after ${formatDuration(clock.monotonic() - lost.at)}`);
  }

  #lose(error: MeshError): void {
    if (this.#lost || this.#stop.signal.aborted) return;
    const { log, clock, postgres } = this.#options;
    this.#lost = { error, at: clock.monotonic() };
    // Its other connections are as dead as the one that told us; some may not know it yet.
    const old = this.#pool;
    this.#pool = openPool(postgres);
    old.end().catch(() => undefined);
    log.error("store-lost", "the store's database is away; proxies keep running and connect, writes are refused", {
      code: error.code,
      reason: error.why ?? error.message,
    });
  }
}

/** Each caller gets an error of its own: its stack shows who asked. */
function again({ code, message, where, why, todo }: MeshError): MeshError {
  return new MeshError(code, message, { where, why, todo });
}
