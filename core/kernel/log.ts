import { token } from "./token.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * One line per event. `text` is the sentence for a person; `fields` are for machines. A format renders both: people on
 * a terminal get `HH:MM:SS  text`, everything else gets a JSON line with `event`, `text` and the fields (ux.md, 3.1).
 */
export interface Logger {
  /** `event` is a short stable name such as `joined`; `text` is a plain sentence. */
  log(level: LogLevel, event: string, text: string, fields?: LogFields): void;
  debug(event: string, text: string, fields?: LogFields): void;
  info(event: string, text: string, fields?: LogFields): void;
  warn(event: string, text: string, fields?: LogFields): void;
  error(event: string, text: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
}

export const Logger = token<Logger>("Logger");

/** Where rendered lines go; the roles in `cmd/` choose it. */
export interface LogSink {
  write(level: LogLevel, event: string, text: string, fields: LogFields): void;
}

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export function createLogger(sink: LogSink, threshold: LogLevel | "off" = "info", bound: LogFields = {}): Logger {
  const log: Logger["log"] = (level, event, text, fields) => {
    if (threshold === "off" || ORDER[level] < ORDER[threshold]) return;
    sink.write(level, event, text, fields ? { ...bound, ...fields } : bound);
  };
  return {
    log,
    debug: (event, text, fields) => log("debug", event, text, fields),
    info: (event, text, fields) => log("info", event, text, fields),
    warn: (event, text, fields) => log("warn", event, text, fields),
    error: (event, text, fields) => log("error", event, text, fields),
    with: (fields) => createLogger(sink, threshold, { ...bound, ...fields }),
  };
}

/** For tests and for roles that must not print. */
export const silentLogger: Logger = createLogger({ write: () => undefined }, "off");
