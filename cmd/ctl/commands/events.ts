import type { EventJson } from "../../../core/events/event-json.ts";
import { eventText } from "../../../core/events/event-text.ts";
import { follow } from "../follow.ts";
import { documentText, outputFormat } from "../output/print.ts";
import { cutLine, terminalWidth } from "../output/table.ts";
import { timeCell } from "../output/time.ts";
import { expectOurs } from "../rest-client.ts";
import type { Session } from "../session.ts";

export interface EventsOptions {
  readonly output: string;
  readonly watch: boolean;
  readonly allMeshes: boolean;
  readonly name?: string | undefined;
  /** A duration before now, or a time. */
  readonly since?: string | undefined;
}

/** What happened, oldest first; with `-w` also what happens. In JSON a watch is one event a line. */
export async function runEvents(session: Session, options: EventsOptions): Promise<number> {
  const format = outputFormat(options.output);
  const query = new URLSearchParams({ size: "1000" });
  if (!options.allMeshes) query.set("mesh", session.global.mesh);
  if (options.name !== undefined) query.set("name", options.name);
  if (options.since !== undefined) query.set("since", options.since);
  if (options.watch) {
    await watchEvents(session, query, format === "json");
    return 0;
  }
  const client = await session.client();
  const { items } = expectOurs(await client.get(`/_events?${query}`), "could not list events") as {
    items: readonly EventJson[];
  };
  if (format === "json" || format === "yaml") {
    session.out(await documentText(format, { total: items.length, items }));
    return 0;
  }
  for (const event of items) session.out(eventLine(event, session));
  if (items.length === 0) session.talk("No events. They are kept for as long as the control plane runs.\n");
  return 0;
}

async function watchEvents(session: Session, query: URLSearchParams, json: boolean): Promise<void> {
  query.set("watch", "true");
  // A watch without --since is about what comes, with a few lines of what was.
  if (!query.has("since")) query.set("size", "10");
  await follow(
    session,
    () => `/_events?${query}`,
    ({ name, data, id }) => {
      if (id !== undefined) query.set("after", id);
      if (name === "event") session.out(json ? `${JSON.stringify(data)}\n` : eventLine(data as EventJson, session));
      else query.set("size", "1000");
    },
    session.signal,
  );
}

function eventLine(event: EventJson, { io }: Session): string {
  const text = eventText(event);
  const line = event.code === undefined ? text : `${text.padEnd(88)}  ${event.code}`;
  return `${cutLine(`${timeCell(Date.parse(event.time), Date.now())}  ${line}`, terminalWidth(io.stdout))}\n`;
}
