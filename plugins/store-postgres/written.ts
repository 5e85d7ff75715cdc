import { MeshError } from "../../core/kernel/errors.ts";
import type { Resource } from "../../core/model/resource.ts";
import type { Change } from "../../core/store/resource-store.ts";
import { buildResource } from "../../core/store/rows.ts";
import type { DeleteReply, DeleteRequest, PutReply, PutRequest, WriteReply, WriteRequest } from "./write-batch.ts";
import type { Written } from "./write-queue.ts";

/** The changes of a commit in order; undefined when its replies do not tell all of them. */
export function changesOf(written: readonly Written[]): Change[] | undefined {
  const changes: Change[] = [];
  for (const { request, reply } of written) {
    if (request.op === "put" && "version" in reply && !("first" in reply)) {
      const resource = writtenResource(request, reply);
      changes.push(Object.freeze<Change>({ revision: reply.revision, op: "put", resource }));
    } else if (request.op === "delete" && "first" in reply) {
      // Only the one that was asked for is in the reply, not what it owned.
      if (reply.first !== reply.last) return undefined;
      const resource = deletedResource(request, reply);
      changes.push(Object.freeze<Change>({ revision: reply.last, op: "delete", resource }));
    }
  }
  return changes;
}

export function writtenResource({ draft, now }: PutRequest, { version, revision, created }: PutReply): Resource {
  return Object.freeze({ ...draft, creationTime: created, modificationTime: now, version, revision });
}

export function deletedResource({ key }: DeleteRequest, reply: DeleteReply): Resource {
  const { type, mesh, name } = key;
  return buildResource({ ...reply, type, mesh, name });
}

export function strangeReply(request: WriteRequest, reply: WriteReply): MeshError {
  return new MeshError("MM900", `the database answered a ${request.op} with ${JSON.stringify(reply)}`);
}
