import { PassThrough } from "node:stream";
import type { Io } from "../../cmd/terminal/io.ts";

export interface TestIo extends Io {
  readonly out: () => string;
  readonly err: () => string;
}

/** Streams that remember; no terminal, no variables of the machine. */
export function createTestIo(
  calledAs = "monomesh",
  options: {
    readonly stdin?: string;
    readonly env?: Record<string, string>;
    readonly signal?: AbortSignal;
    /** Columns of the terminal that stdout is; absent: a pipe. */
    readonly columns?: number;
  } = {},
): TestIo {
  const written = { out: "", err: "" };
  const stdin = new PassThrough();
  stdin.end(options.stdin ?? "");
  return {
    stdin,
    stdout: {
      write: (text) => (written.out += text),
      ...(options.columns === undefined ? {} : { isTTY: true, columns: options.columns, rows: 24 }),
    },
    stderr: { write: (text) => (written.err += text) },
    env: options.env ?? {},
    calledAs,
    signal: options.signal,
    out: () => written.out,
    err: () => written.err,
  };
}
