import { MeshError } from "../kernel/errors.ts";

const DEFAULT_SIZE = 100;
const MAX_SIZE = 1000;

/** A query string as the server parsed it: repeated parameters are lists. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface PageRequest {
  /** 1 to 1000, default 100. */
  readonly size: number;
  /** The `next` of the page before, opaque. */
  readonly offset: string | undefined;
}

/** Reads `size` and `offset` (contract, section 7.2). MM400 with the field. */
export function readPageRequest(query: Query): PageRequest {
  const size = query["size"];
  const offset = query["offset"];
  if (Array.isArray(offset)) throw badParameter("offset", "must be given once");
  return {
    size: size === undefined ? DEFAULT_SIZE : sizeOf(size),
    offset: (offset as string | undefined) || undefined,
  };
}

function sizeOf(text: string | readonly string[]): number {
  const size = typeof text === "string" && /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (size >= 1 && size <= MAX_SIZE) return size;
  throw badParameter("size", `must be a whole number from 1 to ${MAX_SIZE}`);
}

export function badParameter(field: string, message: string): MeshError {
  return new MeshError("MM400", "a parameter of the request is not valid", { violations: [{ field, message }] });
}

/** `base` is scheme and host, `url` the path and query of the request; only `offset` is replaced in it. */
export function nextPageUrl(base: string, url: string, offset: string | undefined): string | null {
  if (offset === undefined) return null;
  const [path = "", query = ""] = url.split("?", 2);
  const parameters = new URLSearchParams(query);
  parameters.set("offset", offset);
  return `${base}${path}?${parameters}`;
}
