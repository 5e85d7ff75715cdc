import { randomInt } from "node:crypto";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Logger } from "../../core/kernel/log.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../../core/model/resource.ts";
import type { SharedStore } from "../../core/store/leadership.ts";
import type {
  Change,
  Fence,
  JointPut,
  ListPage,
  ListQuery,
  PutOptions,
  WriteOptions,
} from "../../core/store/resource-store.ts";
import { storeClosed } from "../../core/store/store-errors.ts";
import { storable, storablePuts } from "../../core/store/stored-value.ts";
import { openPool, type PostgresOptions, placeOf } from "./connection.ts";
import { readContent, readEpoch, writeBatch } from "./database.ts";
import { Leader } from "./leader.ts";
import { Link } from "./link.ts";
import { MemoryCopy } from "./memory-copy.ts";
import { checkSchema } from "./migrate.ts";
import { storeError } from "./postgres-errors.ts";
import { Syncer } from "./syncer.ts";
import { encodeBatch, type PutRequest, strangeReply } from "./write-batch.ts";
import { WriteQueue, type Written } from "./write-queue.ts";
import { changesOf, deletedResource, isPut, putChanges, writtenResource } from "./written.ts";

const RETAINED = 5000;

export interface PostgresStoreOptions {
  readonly postgres: PostgresOptions;
  readonly clock: Clock;
  readonly log: Logger;
  /** Changes that a watch can go back, and that the database keeps for the other control planes. Default 5000. */
  readonly retainedChanges?: number | undefined;
  /** Serves a database that a newer version has migrated. Default false. */
  readonly tolerateNewerSchema?: boolean | undefined;
}

/**
 * A store in a PostgreSQL database that several control planes share. Writes go to the database; reads are served from a
 * copy in memory, which each read brings up to date first, so that it sees what any control plane has committed before.
 * While the database is away reads go on from the copy, and writes fail with MM503. Rejects with MM502 when the database
 * is not migrated, with MM503 when it cannot be reached and with MM500 when it is not ours.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<SharedStore> {
  const { postgres } = options;
  const pool = openPool(postgres);
  try {
    await checkSchema(pool, placeOf(postgres), options.tolerateNewerSchema ?? false);
    const copy = new MemoryCopy(await readContent(pool), options.retainedChanges ?? RETAINED);
    return new PostgresStore(options, copy, pool);
  } catch (error) {
    await pool.end().catch(() => undefined);
    throw storeError(error, placeOf(postgres));
  }
}

class PostgresStore implements SharedStore {
  readonly leadership: Leader;
  readonly #clock: Clock;
  readonly #kept: number;
  readonly #copy: MemoryCopy;
  readonly #link: Link;
  readonly #syncer: Syncer;
  readonly #writes: WriteQueue;
  /** Stamp of the batch under way; see write-functions.ts. */
  #stamp = 0;
  #closing: Promise<void> | undefined;

  constructor(options: PostgresStoreOptions, copy: MemoryCopy, pool: Link["pool"]) {
    const { clock, log, postgres } = options;
    this.#clock = clock;
    this.#kept = options.retainedChanges ?? RETAINED;
    this.#copy = copy;
    this.#syncer = new Syncer(copy, () => this.#link.pool);
    this.#writes = new WriteQueue({
      commit: (requests) => {
        const batch = encodeBatch(requests);
        this.#stamp = randomInt(2 ** 47);
        return this.#link.ask((db) => writeBatch(db, batch, this.#kept, this.#stamp));
      },
      onCommitted: (written) => this.#committed(written),
    });
    this.leadership = new Leader({ store: this, clock, log });
    this.#link = new Link(
      {
        postgres,
        clock,
        log,
        events: {
          onUp: () => this.#syncer.sync(),
          onRevision: (revision) => {
            if (revision > this.#copy.revision) void this.#catchUp();
          },
          onLeads: (leads) => this.leadership.locked(leads),
        },
      },
      pool,
    );
  }

  get available(): boolean {
    return this.#link.away === undefined;
  }

  async get(key: ResourceKey): Promise<Resource | undefined> {
    await this.#current();
    return this.#copy.get(key);
  }

  async list(type: string, query: ListQuery = {}): Promise<ListPage> {
    await this.#current();
    return this.#copy.list(type, query);
  }

  async put(draft: ResourceDraft, options: PutOptions = {}): Promise<Resource> {
    this.#checkOpen();
    const request = this.#putRequest(storable(draft), options);
    const reply = await this.#writes.write(request);
    if (isPut(reply)) return this.#shared(writtenResource(request, reply));
    throw strangeReply(request, reply);
  }

  async putAll(puts: readonly JointPut[], advance?: Fence): Promise<readonly Resource[]> {
    this.#checkOpen();
    const moves = advance ? [{ op: "advance", key: advance.key, expected: advance.epoch } as const] : [];
    const kept = storablePuts(puts);
    const stores = kept.map(({ draft, expectedVersion }) => this.#putRequest(draft, { expectedVersion }));
    const owns = kept.flatMap(({ draft: key, owner }) => (owner ? [{ op: "own", key, owner } as const] : []));
    const request = { op: "all", parts: [...moves, ...stores, ...owns] } as const;
    const reply = await this.#writes.write(request);
    if ("all" in reply) return putChanges(request, reply).map(({ resource }) => this.#shared(resource));
    throw strangeReply(request, reply);
  }

  async delete(key: ResourceKey, options: WriteOptions = {}): Promise<Resource> {
    this.#checkOpen();
    const request = { op: "delete", key, options } as const;
    const reply = await this.#writes.write(request);
    if ("first" in reply) return deletedResource(request, reply);
    throw strangeReply(request, reply);
  }

  async revision(): Promise<number> {
    await this.#current();
    return this.#copy.revision;
  }

  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Change[]> {
    return this.#copy.watch(revision, signal);
  }

  async epoch(key: ResourceKey): Promise<number> {
    this.#checkOpen();
    return this.#link.ask((db) => readEpoch(db, key));
  }

  async advanceEpoch(key: ResourceKey, expected: number): Promise<number> {
    this.#checkOpen();
    await this.#writes.write({ op: "advance", key, expected });
    return expected + 1;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#copy.close();
    await this.#writes.drain();
    await this.#link.close();
  }

  /** Brings the copy up to date; while the database is away it stays as it is. */
  async #current(): Promise<void> {
    this.#checkOpen();
    if (this.#link.away) return;
    try {
      await this.#link.ask(() => this.#syncer.sync());
    } catch (error) {
      if (!this.#link.away) throw error;
    }
  }

  /** For what nobody waits for: when it fails the link knows, and catches up as soon as it can. */
  async #catchUp(): Promise<void> {
    await this.#link.ask(() => this.#syncer.sync()).catch(() => undefined);
  }

  async #committed(written: readonly Written[]): Promise<void> {
    const changes = changesOf(written);
    // What other control planes committed in between comes first, and a large delete is read as they read it.
    if (!changes) await this.#catchUp();
    else if (changes[0]?.revision === this.#copy.revision + 1) this.#copy.apply(changes, this.#stamp);
    else if (changes[0] && changes[0].revision > this.#copy.revision) await this.#catchUp();
  }

  /** `kept` is what `storable` made. */
  #putRequest(kept: ResourceDraft, options: PutOptions): PutRequest {
    return { op: "put", key: kept, draft: kept, now: Math.round(this.#clock.now()), options };
  }

  /** The same resource as everybody else has, if it is still there. */
  #shared(resource: Resource): Resource {
    const shared = this.#copy.get(resource);
    return shared?.revision === resource.revision ? shared : resource;
  }

  #checkOpen(): void {
    if (this.#closing) throw storeClosed();
  }
}
