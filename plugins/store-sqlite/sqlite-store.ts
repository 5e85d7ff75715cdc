import type { Clock } from "../../core/kernel/clock.ts";
import { MeshError } from "../../core/kernel/errors.ts";
import type { Logger } from "../../core/kernel/log.ts";
import { Turns } from "../../core/kernel/turns.ts";
import type { Resource, ResourceDraft, ResourceKey } from "../../core/model/resource.ts";
import { ChangeLog } from "../../core/store/change-log.ts";
import { checkLimit, decodePosition } from "../../core/store/list-query.ts";
import type {
  Change,
  Fence,
  JointPut,
  ListPage,
  ListQuery,
  PutOptions,
  ResourceStore,
  WriteOptions,
} from "../../core/store/resource-store.ts";
import { storeClosed } from "../../core/store/store-errors.ts";
import { storable, storablePuts } from "../../core/store/stored-value.ts";
import { openConnection } from "./connection.ts";
import { EarlyWriter } from "./early-writer.ts";
import { type OpenedDatabase, openDatabase } from "./open-database.ts";
import { Reader } from "./reader.ts";
import { chooseDriver, type SqliteDriver, type SqliteDriverName } from "./sqlite-driver.ts";
import { storeError } from "./sqlite-errors.ts";
import type { AdvanceRequest, PutReply, PutRequest } from "./write-messages.ts";
import { WriterThread } from "./writer-thread.ts";

export interface SqliteStoreOptions {
  /** The database file; its directory must exist. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Changes that a watch can go back, also over a restart. Default 5000. */
  readonly retainedChanges?: number | undefined;
  /** Default: better-sqlite3, or Node's own SQLite where that cannot be loaded. */
  readonly driver?: SqliteDriverName | undefined;
}

/** Changes that watchers get without reading the file. */
const IN_MEMORY = 1000;

/**
 * A store in one SQLite file, for one control plane. A write is answered after its commit was synced to the disk.
 * Rejects as `openDatabase` does: MM500, MM501 or MM503.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<ResourceStore> {
  const { path, log, clock } = options;
  const driver = await chooseDriver(options.driver, log);
  const database = openDatabase({ path, driver, log, nowMs: clock.now() });
  return new SqliteStore(path, clock, driver, database, options.retainedChanges ?? 5000);
}

class SqliteStore implements ResourceStore {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #driver: SqliteDriver;
  readonly #reader: Reader;
  readonly #lock: Disposable;
  readonly #log: ChangeLog;
  readonly #writer: WriterThread;
  readonly #longLists = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(path: string, clock: Clock, driver: SqliteDriver, database: OpenedDatabase, retainedChanges: number) {
    this.#path = path;
    this.#clock = clock;
    this.#driver = driver;
    this.#reader = new Reader(database.reader);
    this.#lock = database.lock;
    this.#log = new ChangeLog({
      capacity: Math.min(IN_MEMORY, retainedChanges),
      start: this.#reader.revision(),
      older: (revision) => this.#read(() => this.#reader.changesAfter(revision)),
      newest: () => this.#read(() => this.#reader.revision()),
    });
    this.#writer = new WriterThread(
      { driver: driver.name, path, retainedChanges },
      { onChanges: (changes) => this.#tell(changes), onLost: () => this.#catchUp() },
      new EarlyWriter(driver, path, retainedChanges),
      new Turns(clock),
    );
  }

  async get(key: ResourceKey): Promise<Resource | undefined> {
    return this.#read(() => this.#reader.get(key));
  }

  async list(type: string, query: ListQuery = {}): Promise<ListPage> {
    checkLimit(query.limit);
    decodePosition(query.after);
    if (!this.#read(() => this.#reader.isLong(type, query))) return this.#read(() => this.#reader.list(type, query));
    const reading = this.#listLong(type, query);
    this.#longLists.add(reading);
    return reading.finally(() => this.#longLists.delete(reading));
  }

  async put(draft: ResourceDraft, options: PutOptions = {}): Promise<Resource> {
    this.#checkOpen();
    const kept = storable(draft);
    const request = putRequest(kept, options, this.#clock.now());
    const done = Promise.withResolvers<Resource>();
    await this.#writer.write(request, (reply) => {
      if (reply.op !== "put") throw new MeshError("MM900", `a put was answered by ${reply.op}`);
      const change = putChange(kept, request, reply);
      done.resolve(change.resource);
      return [change];
    });
    return done.promise;
  }

  async putAll(puts: readonly JointPut[], advance?: Fence): Promise<readonly Resource[]> {
    this.#checkOpen();
    const now = this.#clock.now();
    const asked = storablePuts(puts).map(({ draft, ...options }) => ({
      draft,
      request: putRequest(draft, options, now),
    }));
    const request = {
      op: "putAll",
      advance: advance && advanceRequest(advance),
      puts: asked.map((each) => each.request),
    } as const;
    const done = Promise.withResolvers<readonly Resource[]>();
    await this.#writer.write(request, (reply) => {
      if (reply.op !== "putAll") throw new MeshError("MM900", `several puts were answered by ${reply.op}`);
      const changes = reply.puts.flatMap((each, at) => {
        const put = asked[at];
        return put ? [putChange(put.draft, put.request, each)] : [];
      });
      done.resolve(changes.map(({ resource }) => resource));
      return changes;
    });
    return done.promise;
  }

  async delete(key: ResourceKey, options: WriteOptions = {}): Promise<Resource> {
    this.#checkOpen();
    const done = Promise.withResolvers<Resource>();
    const request = { op: "delete", key: keyOnly(key), options: plainOptions(options) } as const;
    await this.#writer.write(request, async (reply) => {
      if (reply.op !== "delete") throw new MeshError("MM900", `a delete was answered by ${reply.op}`);
      const changes = await this.#reader.changesBetween(reply.first, reply.last);
      const last = changes.at(-1);
      if (last) done.resolve(last.resource);
      return changes;
    });
    return done.promise;
  }

  async revision(): Promise<number> {
    return this.#read(() => this.#reader.revision());
  }

  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Change[]> {
    return this.#log.watch(revision, signal);
  }

  async epoch(key: ResourceKey): Promise<number> {
    return this.#read(() => this.#reader.epoch(key));
  }

  async advanceEpoch(key: ResourceKey, expected: number): Promise<number> {
    this.#checkOpen();
    await this.#writer.write(advanceRequest({ key, epoch: expected }), () => []);
    return expected + 1;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#log.close();
    await Promise.allSettled(this.#longLists);
    await this.#writer.drain();
    this.#reader.close();
    // Last, so that it is the one that cleans up: SQLite does that when the last connection closes.
    await this.#writer.close();
    this.#lock[Symbol.dispose]();
  }

  /** On a connection of its own, whose moment lasts over several turns of the event loop. */
  async #listLong(type: string, query: ListQuery): Promise<ListPage> {
    const reader = this.#read(() => new Reader(openConnection(this.#driver, this.#path)));
    try {
      return await reader.listLong(type, query);
    } catch (error) {
      throw storeError(error, this.#path);
    } finally {
      reader.close();
    }
  }

  #tell(changes: readonly Change[]): void {
    const first = changes[0];
    if (!first || first.revision === this.#log.last + 1) this.#log.append(changes);
    else this.#catchUp();
  }

  /** Reads from the file what was committed without being told: the writer died, or a change could not be read. */
  #catchUp(): void {
    try {
      for (;;) {
        const next = this.#reader.changesAfter(this.#log.last);
        if (!next) return;
        this.#log.append(next);
      }
    } catch {
      // The disk cannot be read now. Nothing is skipped: the next write finds the gap and comes here again.
    }
  }

  #read<T>(work: () => T): T {
    this.#checkOpen();
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }

  #checkOpen(): void {
    if (this.#closing) throw storeClosed();
  }
}

/** Callers may pass whole resources as keys; only the key shall travel to the writer. */
function keyOnly({ type, mesh, name }: ResourceKey): ResourceKey {
  return { type, mesh, name };
}

/** `kept` is what `storable` made, `now` milliseconds since 1970. */
function putRequest(kept: ResourceDraft, options: PutOptions, now: number): PutRequest {
  const [labels, spec] = [JSON.stringify(kept.labels), JSON.stringify(kept.spec)];
  return { op: "put", key: keyOnly(kept), labels, spec, now: Math.round(now), options: plainOptions(options) };
}

function putChange(kept: ResourceDraft, { now }: PutRequest, { version, revision, created }: PutReply): Change {
  const times = { creationTime: created, modificationTime: now };
  const resource = Object.freeze<Resource>({ ...kept, ...times, version, revision });
  return Object.freeze<Change>({ revision, op: "put", resource });
}

function advanceRequest({ key, epoch }: Fence): AdvanceRequest {
  return { op: "advance", key: keyOnly(key), expected: epoch };
}

function plainOptions({ expectedVersion, fence, owner }: PutOptions): PutOptions {
  return {
    expectedVersion,
    fence: fence && { key: keyOnly(fence.key), epoch: fence.epoch },
    owner: owner && keyOnly(owner),
  };
}
