import type { EventQuery } from "../events/event-log.ts";
import { parseDuration } from "../kernel/duration.ts";
import { badParameter, type Query, readPageRequest } from "./pagination.ts";

/** `mesh`, `name`, `since` (a time, or a duration before now), `after` (an id) and `size` of `/_events`. MM400 with the field. */
export function readEventQuery(query: Query, now: number): EventQuery {
  return {
    mesh: single(query, "mesh"),
    name: single(query, "name"),
    since: sinceOf(single(query, "since"), now),
    after: single(query, "after"),
    limit: readPageRequest({ size: query["size"] }).size,
  };
}

/** `?watch` or `?watch=true`. */
export function isWatch(query: Query): boolean {
  const word = single(query, "watch");
  if (word === undefined || word === "false") return false;
  if (word === "" || word === "true") return true;
  throw badParameter("watch", "must be true or false");
}

function single(query: Query, field: string): string | undefined {
  const value = query[field];
  if (value === undefined || typeof value === "string") return value;
  throw badParameter(field, "must be given once");
}

function sinceOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const span = parseDuration(text);
  if (span !== undefined && span >= 0) return now - span;
  const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw badParameter("since", "must be a duration such as 1h, or a time such as 2026-01-31T03:04:11Z");
  return time;
}
