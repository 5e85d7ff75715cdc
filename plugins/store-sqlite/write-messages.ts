import type { ErrorCode } from "../../core/kernel/error-table.ts";
import { MeshError, toMeshError } from "../../core/kernel/errors.ts";
import type { ResourceKey } from "../../core/model/resource.ts";
import type { PutOptions, WriteOptions } from "../../core/store/resource-store.ts";
import type { SqliteDriverName } from "./sqlite-driver.ts";

/** What the writer's thread is started with. */
export interface WriterData {
  readonly driver: SqliteDriverName;
  readonly path: string;
  readonly retainedChanges: number;
}

/** Labels and spec are JSON text, so that only strings cross the threads. */
export interface PutRequest {
  readonly op: "put";
  readonly key: ResourceKey;
  readonly labels: string;
  readonly spec: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly options: PutOptions;
}

export interface AdvanceRequest {
  readonly op: "advance";
  readonly key: ResourceKey;
  readonly expected: number;
}

/** One write. */
export type WriteRequest =
  | PutRequest
  | { readonly op: "putAll"; readonly advance: AdvanceRequest | undefined; readonly puts: readonly PutRequest[] }
  | { readonly op: "delete"; readonly key: ResourceKey; readonly options: WriteOptions }
  | AdvanceRequest;

export interface PutReply {
  readonly op: "put";
  readonly version: number;
  readonly revision: number;
  readonly created: number;
}

export type WriteReply =
  | PutReply
  | { readonly op: "putAll"; readonly puts: readonly PutReply[] }
  /** Deleted were the resources of the changes `first` to `last`, which are in the file; the last is what was asked for. */
  | { readonly op: "delete"; readonly first: number; readonly last: number }
  | { readonly op: "advance"; readonly epoch: number }
  | { readonly op: "refused"; readonly error: SentError };

/** To the writer: a batch that shares one commit, or the request to end. */
export type ToWriter = { readonly batch: readonly WriteRequest[] } | { readonly close: true };

/** From the writer: once that it can write, or will say what is wrong; then a reply for each request of a batch. */
export type FromWriter = { readonly booted: true } | { readonly replies: readonly WriteReply[] };

/** A MeshError on its way between threads. */
export interface SentError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly where: string | undefined;
  readonly why: string | undefined;
  readonly todo: string | undefined;
}

export function packError(error: unknown): SentError {
  if (error instanceof MeshError) {
    const { code, message, where, why, todo } = error;
    return { code, message, where, why, todo };
  }
  return packError(toMeshError(error));
}

export function unpackError({ code, message, ...parts }: SentError): MeshError {
  return new MeshError(code, message, parts);
}
