import { MeshError } from "../../core/kernel/errors.ts";
import type { ResourceDraft, ResourceKey } from "../../core/model/resource.ts";
import type { Fence, PutOptions, WriteOptions } from "../../core/store/resource-store.ts";
import type { ResourceRow } from "../../core/store/rows.ts";
import { conflict, fenced, notFound, ownerCycle, ownerNotFound } from "../../core/store/store-errors.ts";

export interface PutRequest {
  readonly op: "put";
  readonly key: ResourceKey;
  /** As `storable` made it. */
  readonly draft: ResourceDraft;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly options: PutOptions;
}

export interface DeleteRequest {
  readonly op: "delete";
  readonly key: ResourceKey;
  readonly options: WriteOptions;
}

export interface AdvanceRequest {
  readonly op: "advance";
  readonly key: ResourceKey;
  readonly expected: number;
}

/** Gives a stored resource an owner; part of a joint request only. */
export interface OwnRequest {
  readonly op: "own";
  readonly key: ResourceKey;
  readonly owner: ResourceKey;
}

/** Several that are done together or not at all. */
export interface JointRequest {
  readonly op: "all";
  readonly parts: readonly (PutRequest | AdvanceRequest | OwnRequest)[];
}

/** One write as a caller asks for it. */
export type WriteRequest = PutRequest | DeleteRequest | AdvanceRequest | JointRequest;

export interface PutReply {
  readonly version: number;
  readonly revision: number;
  readonly created: number;
}

/** Deleted were the resources of the changes `first` to `last`; the last is what was asked for, and looked like this. */
export interface DeleteReply extends Omit<ResourceRow, keyof ResourceKey> {
  readonly first: number;
  readonly last: number;
}

export interface AdvanceReply {
  readonly epoch: number;
}

/** A reply for each part; that of `own` is empty. */
export interface JointReply {
  readonly all: readonly (PutReply | AdvanceReply | Record<string, never>)[];
}

/** What `monomesh_write` (write-functions.ts) answers to one write. */
export type WriteReply = PutReply | DeleteReply | AdvanceReply | JointReply | Refusal;

export interface Refusal {
  readonly no: "fenced" | "not-found" | "conflict" | "no-owner" | "owner-cycle";
  /** The epoch or the version that is stored. */
  readonly actual?: number;
  /** Which part of a joint request was refused, from 0. */
  readonly part?: number;
}

type SingleRequest = Exclude<WriteRequest, JointRequest> | OwnRequest;

/** The batch as `monomesh_write` reads it. */
export function encodeBatch(requests: readonly WriteRequest[]): string {
  return JSON.stringify(requests.map(encode));
}

/** The error that a refusal stands for. */
export function refusalError(whole: WriteRequest, reply: Refusal): MeshError {
  const request = whole.op === "all" ? whole.parts[reply.part ?? 0] : whole;
  if (!request) return strangeReply(whole, reply);
  const { key } = request;
  const actual = reply.actual ?? 0;
  switch (reply.no) {
    case "fenced": {
      const fence = fenceOf(request);
      return fenced(fence?.key ?? key, fence?.epoch ?? 0, actual);
    }
    case "not-found":
      return notFound(key);
    case "conflict":
      return conflict(key, optionsOf(request).expectedVersion ?? 0, actual);
    case "no-owner":
      return ownerNotFound(key, optionsOf(request).owner ?? key);
    case "owner-cycle":
      return ownerCycle(key, optionsOf(request).owner ?? key);
  }
}

export function strangeReply({ op }: WriteRequest, reply: WriteReply): MeshError {
  return new MeshError("MM900", `the database answered the write "${op}" with ${JSON.stringify(reply)}`);
}

function encode(request: WriteRequest | SingleRequest): Record<string, unknown> {
  if (request.op === "all") return { op: "all", parts: request.parts.map(encode) };
  const { expectedVersion, owner } = optionsOf(request);
  const fence = fenceOf(request);
  // What is undefined is left out by JSON, and then asked for by nobody.
  return {
    op: request.op,
    key: names(request.key),
    expected: expectedVersion,
    fence: fence && [...names(fence.key), fence.epoch],
    owner: owner && names(owner),
    ...(request.op === "put" ? { now: request.now, ...texts(request.draft) } : {}),
  };
}

/** JSON within JSON: as text it comes back exactly as it was, whatever jsonb would make of it. */
function texts({ labels, spec }: ResourceDraft): { readonly labels: string; readonly spec: string } {
  return { labels: JSON.stringify(labels), spec: JSON.stringify(spec) };
}

function fenceOf(request: SingleRequest): Fence | undefined {
  if (request.op === "own") return undefined;
  return request.op === "advance" ? { key: request.key, epoch: request.expected } : request.options.fence;
}

function optionsOf(request: SingleRequest): PutOptions {
  if (request.op === "own") return { owner: request.owner };
  return request.op === "advance" ? {} : request.options;
}

function names({ type, mesh, name }: ResourceKey): string[] {
  return [type, mesh, name];
}
