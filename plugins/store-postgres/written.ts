import type { Resource } from "../../core/model/resource.ts";
import type { Change } from "../../core/store/resource-store.ts";
import { buildResource } from "../../core/store/rows.ts";
import type {
  DeleteReply,
  DeleteRequest,
  JointReply,
  JointRequest,
  PutReply,
  PutRequest,
  WriteReply,
} from "./write-batch.ts";
import type { Written } from "./write-queue.ts";

/** The changes of a commit in order; undefined when its replies do not tell all of them. */
export function changesOf(written: readonly Written[]): Change[] | undefined {
  const changes: Change[] = [];
  for (const { request, reply } of written) {
    if (request.op === "put" && isPut(reply)) {
      changes.push(putChange(request, reply));
    } else if (request.op === "all" && "all" in reply) {
      changes.push(...putChanges(request, reply));
    } else if (request.op === "delete" && "first" in reply) {
      // Only the one that was asked for is in the reply, not what it owned.
      if (reply.first !== reply.last) return undefined;
      const resource = deletedResource(request, reply);
      changes.push(Object.freeze<Change>({ revision: reply.last, op: "delete", resource }));
    }
  }
  return changes;
}

/** The changes of the puts of a joint request. */
export function putChanges({ parts }: JointRequest, { all }: JointReply): Change[] {
  return parts.flatMap((part, at) => {
    const reply = all[at];
    return part.op === "put" && reply && isPut(reply) ? [putChange(part, reply)] : [];
  });
}

export function isPut(reply: WriteReply | JointReply["all"][number]): reply is PutReply {
  return "version" in reply && !("first" in reply);
}

function putChange(request: PutRequest, reply: PutReply): Change {
  return Object.freeze<Change>({ revision: reply.revision, op: "put", resource: writtenResource(request, reply) });
}

export function writtenResource({ draft, now }: PutRequest, { version, revision, created }: PutReply): Resource {
  return Object.freeze({ ...draft, creationTime: created, modificationTime: now, version, revision });
}

export function deletedResource({ key }: DeleteRequest, reply: DeleteReply): Resource {
  const { type, mesh, name } = key;
  return buildResource({ ...reply, type, mesh, name });
}
