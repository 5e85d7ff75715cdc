import type { Io } from "../terminal/io.ts";
import { contextFiles, currentControlPlane, readContexts } from "./contexts.ts";
import { createRestClient, type RestClient } from "./rest-client.ts";

/** Flags that every ctl command takes. */
export interface GlobalOptions {
  readonly configFile?: string | undefined;
  readonly mesh: string;
  /** Milliseconds. */
  readonly apiTimeout: number;
}

/** What a ctl command works with. The client is opened on first use: `config` and `explain` need none. */
export interface Session {
  readonly io: Io;
  readonly global: GlobalOptions;
  /** True under the name kumactl: its columns and words, byte for byte. */
  readonly kumactl: boolean;
  readonly files: { readonly read: readonly string[]; readonly write: string };
  /** Aborts when a command that goes on for ever must end. */
  readonly signal: AbortSignal;
  client(): Promise<RestClient>;
  out(text: string): void;
  talk(text: string): void;
}

export function createSession(io: Io, global: GlobalOptions): Session {
  const files = contextFiles(io.calledAs, global.configFile);
  const open = async () =>
    createRestClient(currentControlPlane(await readContexts(files.read)), { timeoutMs: global.apiTimeout });
  let client: Promise<RestClient> | undefined;
  return {
    io,
    global,
    kumactl: io.calledAs === "kumactl",
    files,
    signal: io.signal ?? new AbortController().signal,
    client: () => {
      client ??= open();
      return client;
    },
    out: (text) => void io.stdout.write(text),
    talk: (text) => void io.stderr.write(text),
  };
}
