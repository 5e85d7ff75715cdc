import { PassThrough } from "node:stream";
import type { Io } from "../../cmd/terminal/io.ts";

export interface TestIo extends Io {
  readonly out: () => string;
  readonly err: () => string;
}

/** Streams that remember; no terminal, no variables of the machine. */
export function createTestIo(
  calledAs = "monomesh",
  options: { readonly stdin?: string; readonly env?: Record<string, string> } = {},
): TestIo {
  const written = { out: "", err: "" };
  const stdin = new PassThrough();
  stdin.end(options.stdin ?? "");
  return {
    stdin,
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    env: options.env ?? {},
    calledAs,
    out: () => written.out,
    err: () => written.err,
  };
}
