/** What a command may touch of the process; tests hand in their own. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Writer;
  readonly stderr: Writer;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The name the program was called by: `monomesh`, `kuma-cp`, `kuma-dp` or `kumactl`. */
  readonly calledAs: string;
  /** Ends a command that goes on until it is interrupted (`-w`). Absent: only Ctrl-C does. */
  readonly signal?: AbortSignal | undefined;
}

export interface Writer {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Whether a stream shows colour: a terminal, `NO_COLOR` unset, not a dumb one. */
export function hasColour(io: Io, writer: Writer): boolean {
  return writer.isTTY === true && !io.env["NO_COLOR"] && io.env["TERM"] !== "dumb";
}
