import type { LogLevel, LogSink } from "../../core/kernel/log.ts";
import { hasColour, type Io } from "./io.ts";

/** `human`: one sentence a line, for a terminal. `json`: one object a line, for files and log collectors. */
export type LogFormat = "human" | "json";

/** A person is assumed behind a terminal; `MONOMESH_LOG_FORMAT` decides otherwise. */
export function logFormat(io: Io): LogFormat {
  const wanted = io.env["MONOMESH_LOG_FORMAT"];
  if (wanted === "json" || wanted === "human") return wanted;
  return io.stderr.isTTY === true ? "human" : "json";
}

/** Logs are talk, so they go to stderr (ux.md, section 2). */
export function createLogSink(io: Io, format: LogFormat): LogSink {
  return format === "json" ? jsonSink(io) : humanSink(io);
}

function jsonSink(io: Io): LogSink {
  return {
    write(level, event, text, fields) {
      const line = { time: new Date().toISOString(), level, event, text, ...fields };
      io.stderr.write(`${JSON.stringify(line, errorsAsText)}\n`);
    },
  };
}

function errorsAsText(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.message;
  return typeof value === "bigint" ? value.toString() : value;
}

const MARK: Readonly<Record<LogLevel, string>> = { debug: "debug  ", info: "", warn: "warning  ", error: "error  " };
const COLOUR: Readonly<Record<LogLevel, string>> = {
  debug: "\u001b[2m",
  info: "",
  warn: "\u001b[33m",
  error: "\u001b[31m",
};

/** Column of an error's code, so that codes stand below each other. */
const CODE_COLUMN = 88;

function humanSink(io: Io): LogSink {
  const colour = hasColour(io, io.stderr);
  return {
    write(level, _event, text, fields) {
      const code = typeof fields["code"] === "string" ? fields["code"] : "";
      const line = code ? `${text.padEnd(CODE_COLUMN)}  ${code}` : text;
      const mark = colour && MARK[level] ? `${COLOUR[level]}${MARK[level]}\u001b[0m` : MARK[level];
      io.stderr.write(`${clockText(new Date())}  ${mark}${line}\n`);
    },
  };
}

/** Local time as `14:02:11`. */
export function clockText(date: Date): string {
  return date.toTimeString().slice(0, 8);
}
