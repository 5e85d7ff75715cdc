import type pg from "pg";
import type { Clock } from "../../core/kernel/clock.ts";
import { endClient } from "./connection.ts";
import { CHANNEL } from "./write-functions.ts";

/** Between two looks at the database that no notification asked for: a lost one costs this much. Milliseconds. */
const LOOK_MS = 2000;
const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 1000;

/** "monomesh": the advisory lock of the leader. */
const LEADER_LOCK = "7885642897404818280";

/**
 * So that the leader's lock is not kept by the dead: the server gives up a host that vanished after about 11 s, and a
 * process that stands still after 15 s. Not every server has all of these: the last came with PostgreSQL 14, and a socket
 * file has no keepalive.
 */
const LIMITS = [
  "SET tcp_keepalives_idle = 5",
  "SET tcp_keepalives_interval = 2",
  "SET tcp_keepalives_count = 3",
  "SET idle_session_timeout = '15s'",
];

export interface SessionOptions {
  readonly connect: () => pg.Client;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The connection stands and notifications come: bring everything up to date. A rejection counts as a loss. */
  onUp(): Promise<void>;
  /** The connection was lost, or could not be made; tried again. */
  onDown(error: unknown): void;
  /** The database is at this revision. */
  onRevision(revision: number): void;
  /** This session got the leader's lock; false: lost it. */
  onLeads(leads: boolean): void;
}

/**
 * The one connection that stays open: it is woken by notifications, looks by itself now and then, and holds the leader's
 * lock when it can have it. Made again by itself until the signal aborts.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #ended: Promise<void>;
  /** Ends the present connection. */
  #end: (() => void) | undefined;
  #leads = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  /** Something else found that the database is away: whatever this connection believes, it is made anew. */
  restart(): void {
    this.#end?.();
  }

  /** Resolves when it has ended, after the signal aborted. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  async #run(): Promise<void> {
    const { signal, clock, onDown } = this.#options;
    let backoff = MIN_BACKOFF_MS;
    while (!signal.aborted) {
      try {
        await this.#serve(() => {
          backoff = MIN_BACKOFF_MS;
        });
      } catch (error) {
        if (!signal.aborted) onDown(error);
      }
      this.#setLeads(false);
      await clock.sleep(backoff, signal).catch(() => undefined);
      backoff = Math.min(backoff * 2, MAX_BACKOFF_MS);
    }
  }

  /** Rejects when the connection ends, for whatever reason. */
  async #serve(onUp: () => void): Promise<void> {
    const { connect, signal } = this.#options;
    signal.throwIfAborted();
    const client = connect();
    const over = new AbortController();
    const ended = Promise.withResolvers<never>();
    // Not all that waits for an answer is told by `pg` when the connection ends.
    const end = () => {
      over.abort();
      ended.reject(new Error("the connection was closed"));
    };
    this.#end = end;
    client.once("end", end);
    signal.addEventListener("abort", end, { once: true });
    try {
      await Promise.race([ended.promise, this.#use(client, onUp, over.signal)]);
    } finally {
      over.abort();
      this.#end = undefined;
      client.off("end", end);
      signal.removeEventListener("abort", end);
      endClient(client);
    }
  }

  async #use(client: pg.Client, onUp: () => void, over: AbortSignal): Promise<void> {
    const { clock, onRevision } = this.#options;
    await client.connect();
    client.on("notification", ({ payload }) => onRevision(Number(payload)));
    await client.query(`LISTEN ${CHANNEL}`);
    for (const limit of LIMITS) await client.query(limit).catch(() => undefined);
    await this.#options.onUp();
    onUp();
    while (!over.aborted) {
      await this.#look(client);
      await clock.sleep(LOOK_MS, over).catch(() => undefined);
    }
  }

  async #look(client: pg.Client): Promise<void> {
    type Row = { readonly revision: number; readonly leads: boolean };
    const { rows } = await client.query<Row>(
      `SELECT revision, CASE WHEN $1 THEN true ELSE pg_try_advisory_lock(${LEADER_LOCK}) END AS leads FROM monomesh_state`,
      [this.#leads],
    );
    const row = rows[0];
    if (!row) return;
    this.#setLeads(row.leads);
    this.#options.onRevision(row.revision);
  }

  #setLeads(leads: boolean): void {
    if (this.#leads === leads) return;
    this.#leads = leads;
    this.#options.onLeads(leads);
  }
}
