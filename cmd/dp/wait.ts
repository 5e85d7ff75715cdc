import { request } from "node:http";
import { parseArgs } from "node:util";
import { systemClock } from "../../core/kernel/clock.ts";
import { formatDuration, parseDuration } from "../../core/kernel/duration.ts";
import { MeshError } from "../../core/kernel/errors.ts";
import type { Io } from "../terminal/io.ts";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const DEFAULTS = { url: "http://127.0.0.1:9902/ready", timeout: "180s", frequency: "1s", requestTimeout: "500ms" };

/** `dp wait`: polls a sidecar's readiness until it says yes (contract, section 2.1). Exit code 0, or 1 when the time is up. */
export async function runWait(args: readonly string[], io: Io, program: string): Promise<number> {
  const { values } = parse(args, program);
  if (values.help) {
    io.stdout.write(help(program));
    return 0;
  }
  const timeout = duration("--timeout", values.timeout ?? DEFAULTS.timeout);
  const frequency = duration("--check-frequency", values["check-frequency"] ?? DEFAULTS.frequency);
  const requestTimeout = duration("--request-timeout", values["request-timeout"] ?? DEFAULTS.requestTimeout);
  const target = targetOf(values.url ?? DEFAULTS.url, values["unix-socket"]);
  const deadline = systemClock.monotonic() + timeout;
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  let last = "";
  try {
    while (!stop.signal.aborted) {
      const answer = await ask(target, requestTimeout);
      if (answer === undefined) {
        io.stderr.write(`${target.label} is ready\n`);
        return 0;
      }
      if (answer !== last) io.stderr.write(`waiting for ${target.label}: ${answer}\n`);
      last = answer;
      const left = deadline - systemClock.monotonic();
      if (left <= 0)
        throw new MeshError("MM601", `${target.label} was not ready within ${formatDuration(timeout)}: ${answer}`);
      await systemClock.sleep(Math.min(frequency, left), stop.signal).catch(() => undefined);
    }
    return 1;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

interface Target {
  readonly label: string;
  readonly options: {
    readonly socketPath?: string;
    readonly host?: string;
    readonly port?: number;
    readonly path: string;
  };
}

function parse(args: readonly string[], program: string) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        url: text,
        "unix-socket": text,
        timeout: text,
        "check-frequency": text,
        "request-timeout": text,
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (cause) {
    throw new MeshError("MM100", (cause as Error).message.split(". ")[0] ?? "wrong usage", {
      todo: `Help: ${program} wait --help`,
      cause,
    });
  }
}

function targetOf(url: string, socket: string | undefined): Target {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "http:" || !LOOPBACK.test(parsed.hostname)) {
    throw new MeshError("MM100", `--url ${url} is no http URL of this machine`, {
      todo: `For example ${DEFAULTS.url}`,
    });
  }
  const path = parsed.pathname + parsed.search;
  if (socket !== undefined) return { label: socket, options: { socketPath: socket, path } };
  return {
    label: url,
    options: { host: parsed.hostname.replace(/^\[|\]$/g, ""), port: Number(parsed.port) || 80, path },
  };
}

/** Undefined: ready. Else why not. */
function ask(target: Target, timeoutMs: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const call = request({ ...target.options, timeout: timeoutMs, agent: false });
  call.once("timeout", () => call.destroy(new Error(`no answer in ${formatDuration(timeoutMs)}`)));
  call.once("error", (error: NodeJS.ErrnoException) => {
    const absent = error.code === "ECONNREFUSED" || error.code === "ENOENT";
    resolve(absent ? "nothing listens there yet" : error.message);
  });
  call.once("response", (response) => {
    let body = "";
    response.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    response.once("error", (error) => resolve(error.message));
    response.once("end", () =>
      resolve(
        response.statusCode === 200 ? undefined : `status ${response.statusCode} ${body.trim().replaceAll("\n", "; ")}`,
      ),
    );
  });
  call.end();
  return promise;
}

function duration(flag: string, text: string): number {
  const value = parseDuration(text);
  if (value !== undefined && value > 0) return value;
  throw new MeshError("MM100", `${flag} takes a duration such as 30s, not "${text}"`);
}

function help(program: string): string {
  return `${program} wait

Waits until a sidecar on this machine is ready: its Envoy has its listeners.

      --url URL                  what to ask (${DEFAULTS.url})
      --unix-socket FILE         ask Envoy's admin socket, kuma-envoy-admin.sock in the --work-dir, instead of a port
      --timeout DURATION         give up after this time (${DEFAULTS.timeout})
      --check-frequency DURATION (${DEFAULTS.frequency})
      --request-timeout DURATION (${DEFAULTS.requestTimeout})

Example:
  ${program} wait --timeout=30s && start-my-application
`;
}
