import type { EventNews, MeshEvent } from "./event.ts";

/** An event as REST shows it (docs/rest.md, "Events"). */
export interface EventJson extends Omit<EventNews, "level" | "time"> {
  readonly id: string;
  /** RFC 3339. */
  readonly time: string;
}

export function buildEventJson({
  id,
  time,
  kind,
  mesh,
  type,
  name,
  detail,
  code,
  user,
  outcome,
}: MeshEvent): EventJson {
  return { id, time: new Date(time).toISOString(), kind, mesh, type, name, detail, code, user, outcome };
}
