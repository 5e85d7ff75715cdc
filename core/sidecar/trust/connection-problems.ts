import { isAbortError, MeshError } from "../../kernel/errors.ts";
import { addressOf, type ControlPlaneAddress, DP_SERVER_PORT } from "./address.ts";
import { NoAnswer } from "./handshake.ts";
import { probePlain } from "./plain-probe.ts";

/** Time for the second look that makes an error more helpful. */
const PROBE_MS = 1000;

const UNREACHABLE = new Set(["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "EADDRNOTAVAIL"]);
const UNKNOWN_NAME = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA"]);

/** How long a handshake may take (milliseconds), and where the control plane's REST API is looked for. */
export interface Limits {
  readonly timeoutMs: number;
  readonly apiPort: number;
}

/**
 * Why no TLS connection to the control plane came about, for a person: MM120 when nobody answers, MM121 when somebody
 * else does. Looks at the REST port too, because that tells a firewall or a slip from a control plane that is down.
 */
export async function connectionProblem(
  thrown: unknown,
  address: ControlPlaneAddress,
  { timeoutMs, apiPort }: Limits,
): Promise<unknown> {
  if (isAbortError(thrown) || thrown instanceof MeshError) return thrown;
  const cause = firstOf(thrown);
  const code = cause.code ?? "";
  if (UNKNOWN_NAME.has(code)) {
    const why =
      code === "EAI_AGAIN" ? "The name server does not answer." : "The name is not known to DNS or /etc/hosts.";
    return new MeshError("MM120", `the name ${address.host} of the control plane cannot be resolved`, { why, cause });
  }
  if (UNREACHABLE.has(code)) {
    const why = "This machine has no route to it, or a router says so.";
    return new MeshError("MM120", `${address.text} cannot be reached`, { why, cause });
  }
  if (code === "ECONNREFUSED" || cause instanceof NoAnswer) return noAnswer(cause, address, timeoutMs, apiPort);
  return notTls(cause, address);
}

async function noAnswer(
  cause: Error,
  address: ControlPlaneAddress,
  timeoutMs: number,
  apiPort: number,
): Promise<MeshError> {
  const api = addressOf(address.host, apiPort);
  const apiAnswers = address.port !== apiPort && (await probePlain(api, PROBE_MS)) !== "closed";
  if (cause instanceof NoAnswer) {
    const silence = `no answer from ${address.text} in ${timeoutMs / 1000} s`;
    return apiAnswers
      ? new MeshError("MM120", `${silence}, but from ${api.text}: a firewall before ${address.port}?`, { cause })
      : new MeshError("MM120", silence, { why: "A firewall, a wrong address, or the machine is down.", cause });
  }
  return new MeshError("MM120", `nothing listens at ${address.text}`, {
    why: apiAnswers ? `The control plane's REST API answers at ${api.text}.` : undefined,
    todo: apiAnswers
      ? `Sidecars use another port, dpServer.port of the control plane: ${DP_SERVER_PORT} unless it is set.`
      : "Is the control plane running?  monomesh cp run",
    cause,
  });
}

async function notTls(cause: NodeJS.ErrnoException, address: ControlPlaneAddress): Promise<MeshError> {
  const answer = await probePlain(address, PROBE_MS);
  const right = addressOf(address.host, DP_SERVER_PORT).text;
  const todo =
    address.port === DP_SERVER_PORT ? undefined : `Sidecars use port ${DP_SERVER_PORT}: --cp-address=https://${right}`;
  if (answer === "control-plane-api") {
    return new MeshError("MM121", `${address.text} is the control plane's REST API, without TLS`, { todo, cause });
  }
  if (answer === "http") {
    return new MeshError("MM121", `${address.text} speaks HTTP without TLS; it is not the port for sidecars`, {
      todo,
      cause,
    });
  }
  const why = `The TLS handshake ended with: ${cause.message}.`;
  return new MeshError("MM121", `${address.text} does not speak TLS as a control plane does`, { why, todo, cause });
}

/** A name with several addresses fails with all of their errors; the first one tells most. */
function firstOf(thrown: unknown): NodeJS.ErrnoException {
  const error = thrown instanceof AggregateError ? thrown.errors[0] : thrown;
  return error instanceof Error ? error : new Error(String(error));
}
