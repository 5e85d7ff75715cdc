import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { runCtl } from "../../cmd/ctl/run-ctl.ts";
import { reportError } from "../../cmd/terminal/error-text.ts";
import type { ApiDeps } from "../../core/api/api-server.ts";
import { serve } from "../core/api/serve.ts";
import { createTestIo, type TestIo } from "../support/io.ts";

export interface RunOptions {
  readonly stdin?: string;
  readonly calledAs?: string;
  readonly columns?: number;
}

/** The command line against a real REST server over a memory store. */
export async function openCtl(test: TestContext, parts: Partial<ApiDeps> = {}) {
  const api = await serve(test, parts);
  return { api, ...(await openCtlFor(test, api.url)) };
}

/** The command line, in this process, for a control plane that runs already. */
export async function openCtlFor(test: TestContext, url: string) {
  const dir = mkdtempSync(join(tmpdir(), "ctl-"));
  test.after(() => rmSync(dir, { recursive: true }));
  const config = join(dir, "config");
  const start = (args: readonly string[], { calledAs, ...options }: RunOptions & { signal?: AbortSignal } = {}) => {
    const io: TestIo = createTestIo(calledAs ?? "monomesh", options);
    const done = runCtl(["--config-file", config, ...args], io).catch((error: unknown) => reportError(io, error));
    return { io, done };
  };
  const run = async (args: readonly string[], options: RunOptions = {}) => {
    const { io, done } = start(args, options);
    const code = await done;
    return { code, out: io.out(), err: io.err() };
  };
  /** A command that goes on; ended with the test or by `stop`. */
  const begin = (args: readonly string[], options: RunOptions = {}) => {
    const stopping = new AbortController();
    const { io, done } = start(args, { ...options, signal: stopping.signal });
    const stop = async () => {
      stopping.abort();
      return await done;
    };
    test.after(stop);
    return { io, done, stop };
  };
  assert.equal((await run(["config", "control-planes", "add", "--name", "test", "--address", url])).code, 0);
  return { dir, config, run, begin };
}

/** Waits until the text is there, 10 s at the most. */
export async function until(text: () => string, part: string | RegExp): Promise<void> {
  const found = () => (typeof part === "string" ? text().includes(part) : part.test(text()));
  for (let tries = 0; tries < 1000 && !found(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(found(), `no ${part} in: ${text()}`);
}
