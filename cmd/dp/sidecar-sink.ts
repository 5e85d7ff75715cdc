import type { LogSink } from "../../core/kernel/log.ts";
import { hasColour, type Io } from "../terminal/io.ts";
import { createLogSink, logFormat } from "../terminal/log-sink.ts";

/** Events that are facts of the start: a terminal shows them as a block, the label before the sentence (ux.md, section 3.2). */
const FACTS = new Set(["dataplane", "control", "token", "inbound", "outbound", "ready", "note"]);
/** Sentences that stand alone, without a time. */
const PLAIN = new Set(["starting", "serving", "leaving", "withdrawn", "gone", "stopped"]);
/** For machines only. */
const SILENT = new Set(["envoy-started"]);
const LABEL_WIDTH = 11;

/** Where the sidecar's lines go: the start as a story on a terminal, then one line per event; JSON lines otherwise. */
export function createSidecarSink(io: Io): LogSink {
  const format = logFormat(io);
  const lines = createLogSink(io, format);
  if (format === "json") return lines;
  const colour = hasColour(io, io.stderr);
  return {
    write(level, event, text, fields) {
      if (SILENT.has(event)) return;
      if (PLAIN.has(event)) io.stderr.write(`${text}\n`);
      else if (FACTS.has(event)) io.stderr.write(`  ${label(event, level === "warn" && colour)}${text}\n`);
      else lines.write(level, event, text, fields);
    },
  };
}

function label(event: string, striking: boolean): string {
  const padded = event.padEnd(LABEL_WIDTH);
  return striking ? `\u001b[33m${padded}\u001b[0m` : padded;
}
