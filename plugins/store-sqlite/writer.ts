import { MeshError } from "../../core/kernel/errors.ts";
import type { ResourceKey } from "../../core/model/resource.ts";
import { sameKey } from "../../core/model/resource.ts";
import type { Fence } from "../../core/store/resource-store.ts";
import { conflict, fenced, notFound, ownerCycle, ownerNotFound } from "../../core/store/store-errors.ts";
import type { SqliteConnection } from "./sqlite-driver.ts";
import { storeError } from "./sqlite-errors.ts";
import {
  type AdvanceRequest,
  type PutReply,
  type PutRequest,
  packError,
  type WriteReply,
  type WriteRequest,
} from "./write-messages.ts";
import { prepareWrites, type WriteStatements } from "./write-statements.ts";

type DeleteRequest = Extract<WriteRequest, { op: "delete" }>;
type PutAllRequest = Extract<WriteRequest, { op: "putAll" }>;

/** Changes are dropped in steps of this many, so that most commits do not pay for it. */
const TRIM_STEP = 256;

/** The only place that writes the tables. Knows no threads. */
export class Writer {
  readonly #connection: SqliteConnection;
  readonly #path: string;
  readonly #retained: number;
  readonly #sql: WriteStatements;
  #revision = 0;
  #oldest = 1;

  constructor(connection: SqliteConnection, path: string, retainedChanges: number) {
    this.#connection = connection;
    this.#path = path;
    this.#retained = retainedChanges;
    this.#sql = prepareWrites(connection);
    this.reload();
  }

  /** Learns what another connection of this process has committed. */
  reload(): void {
    const kept = this.#sql.keptChanges.get();
    this.#revision = Number(kept?.["newest"] ?? 0);
    this.#oldest = Number(kept?.["oldest"] ?? 1);
  }

  /**
   * Applies the batch in one transaction, each request behind its own savepoint, and commits. A refused request gets its
   * error and has no effect on the others; when the commit fails, all that were not refused get its error.
   */
  applyBatch(batch: readonly WriteRequest[]): WriteReply[] {
    const replies: WriteReply[] = [];
    const before = { revision: this.#revision, oldest: this.#oldest };
    try {
      this.#sql.begin.run();
      this.#trim();
      for (const request of batch) replies.push(this.#applyOne(request));
      this.#sql.commit.run();
      return replies;
    } catch (thrown) {
      this.#revision = before.revision;
      this.#oldest = before.oldest;
      const error = packError(storeError(this.#rollBack(thrown), this.#path));
      return batch.map((_, at) => {
        const reply = replies[at];
        return reply?.op === "refused" ? reply : { op: "refused", error };
      });
    }
  }

  #applyOne(request: WriteRequest): WriteReply {
    const revision = this.#revision;
    this.#sql.savepoint.run();
    try {
      const reply = this.#apply(request);
      this.#sql.release.run();
      return reply;
    } catch (error) {
      // Only refusals concern one request; what SQLite itself reports (a full disk) concerns the whole transaction.
      if (!(error instanceof MeshError)) throw error;
      this.#sql.rollbackTo.run();
      this.#sql.release.run();
      this.#revision = revision;
      return { op: "refused", error: packError(error) };
    }
  }

  #apply(request: WriteRequest): WriteReply {
    if (request.op === "put") return this.#put(request);
    if (request.op === "putAll") return this.#putAll(request);
    if (request.op === "delete") return this.#delete(request);
    return this.#advance(request);
  }

  /** The savepoint of the request takes all of it back when a part is refused. */
  #putAll({ advance, puts }: PutAllRequest): WriteReply {
    if (advance) this.#advance(advance);
    const replies = puts.map((put) => this.#put({ ...put, options: { ...put.options, owner: undefined } }));
    for (const { key, options } of puts) {
      if (!options.owner) continue;
      const id = Number(this.#sql.find.get(key.type, key.mesh, key.name)?.["id"]);
      this.#sql.setOwner.run(this.#ownerId(key, options.owner, id), id);
    }
    return { op: "putAll", puts: replies };
  }

  #put({ key, labels, spec, now, options }: PutRequest): PutReply {
    const { type, mesh, name } = key;
    this.#checkFence(options.fence);
    const before = this.#sql.find.get(type, mesh, name);
    const id = before ? Number(before["id"]) : undefined;
    const stored = Number(before?.["version"] ?? 0);
    checkVersion(key, options.expectedVersion, stored);
    const owner = options.owner ? this.#ownerId(key, options.owner, id) : (before?.["owner"] ?? null);
    const created = before ? Number(before["created"]) : now;
    const version = stored + 1;
    const revision = ++this.#revision;
    if (id === undefined) {
      this.#sql.insert.run(type, mesh, name, owner, version, revision, created, now, labels, spec);
    } else {
      this.#sql.update.run(owner, version, revision, now, labels, spec, id);
    }
    this.#sql.addChange.run(revision, "put", type, mesh, name, version, revision, created, now, labels, spec);
    return { op: "put", version, revision, created };
  }

  #delete({ key, options }: DeleteRequest): WriteReply {
    this.#checkFence(options.fence);
    const found = this.#sql.find.get(key.type, key.mesh, key.name);
    if (!found) throw notFound(key);
    checkVersion(key, options.expectedVersion, Number(found["version"]));
    const ids = [Number(found["id"])];
    // The array grows while it is walked: owners stand before what they own, so its reverse has owned ones first.
    for (const id of ids) for (const owned of this.#sql.owned.all(id)) ids.push(Number(owned["id"]));
    const first = this.#revision + 1;
    const doomed = JSON.stringify(ids.reverse());
    this.#sql.addDeletes.run(first, doomed);
    this.#sql.removeAll.run(doomed);
    this.#revision += ids.length;
    return { op: "delete", first, last: this.#revision };
  }

  #advance({ key, expected }: AdvanceRequest): WriteReply {
    this.#checkFence({ key, epoch: expected });
    this.#sql.setEpoch.run(key.type, key.mesh, key.name, expected + 1);
    return { op: "advance", epoch: expected + 1 };
  }

  #checkFence(fence: Fence | undefined): void {
    if (!fence) return;
    const { type, mesh, name } = fence.key;
    const epoch = Number(this.#sql.epoch.get(type, mesh, name)?.["epoch"] ?? 0);
    if (epoch !== fence.epoch) throw fenced(fence.key, fence.epoch, epoch);
  }

  /** `id` is that of the resource itself, if it exists. */
  #ownerId(key: ResourceKey, owner: ResourceKey, id: number | undefined): number {
    const found = this.#sql.find.get(owner.type, owner.mesh, owner.name);
    if (!found) throw sameKey(key, owner) ? ownerCycle(key, owner) : ownerNotFound(key, owner);
    for (let at: unknown = found["id"]; at !== null && at !== undefined; ) {
      if (at === id) throw ownerCycle(key, owner);
      at = this.#sql.ownerOf.get(Number(at))?.["owner"];
    }
    return Number(found["id"]);
  }

  /** At the start of a batch, so that what one batch makes is kept as a whole until the next. */
  #trim(): void {
    const wanted = this.#revision - this.#retained + 1;
    if (wanted - this.#oldest < Math.min(TRIM_STEP, this.#retained)) return;
    this.#sql.trim.run(wanted);
    this.#oldest = wanted;
  }

  /** Returns the error to report: the first one, since a failing ROLLBACK only follows from it. */
  #rollBack(error: unknown): unknown {
    try {
      if (this.#connection.inTransaction) this.#sql.rollback.run();
    } catch {
      // SQLite has rolled back by itself.
    }
    return error;
  }
}

function checkVersion(key: ResourceKey, expected: number | undefined, actual: number): void {
  if (expected !== undefined && expected !== actual) throw conflict(key, expected, actual);
}
