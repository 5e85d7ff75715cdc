import type { ProxyAuthenticator } from "../auth/authenticator.ts";
import type { FailureBook } from "../insight/failure-book.ts";
import { MeshError } from "../kernel/errors.ts";
import { KEPT_FAILURES, type RequestFailure } from "../model/request-failure.ts";
import { isJsonObject } from "../model/shape/proto-json.ts";
import { DATAPLANE } from "../model/types/dataplane.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { emptyAnswer, type HttpAnswer, jsonAnswer } from "./http-answer.ts";
import { rawToken, readSidecarRequest, type SidecarCall } from "./sidecar-request.ts";

export interface FailuresDeps {
  readonly store: ResourceStore;
  readonly authenticator: ProxyAuthenticator;
  readonly failures: FailureBook;
}

/** A sidecar sends much less; longer texts are cut. */
const MAX_TEXT = 400;
const MAX_FLAGS = 30;

/**
 * `POST /failures`: `{mesh, name, incarnation, failures}` to `{kept}`, how many were new. May be repeated. For a proxy that
 * does not exist there is nothing to keep, which is a success.
 */
export async function serveFailures(deps: FailuresDeps, call: SidecarCall): Promise<HttpAnswer> {
  const request = readSidecarRequest(call.body);
  if (!request) return emptyAnswer(400);
  const { mesh, name, incarnation } = request;
  const failures = readFailures(request.json["failures"]);
  const stored = await deps.store.get({ type: DATAPLANE, mesh, name });
  if (!stored) return jsonAnswer({ kept: 0 });
  await deps.authenticator.authenticate(rawToken(call.authorization), stored);
  return jsonAnswer({ kept: deps.failures.record({ mesh, name }, incarnation, failures) });
}

function readFailures(value: unknown): RequestFailure[] {
  if (!Array.isArray(value) || value.length > KEPT_FAILURES)
    throw invalid("failures", `must be at most ${KEPT_FAILURES}`);
  return value.map((each, index) => readFailure(each, `failures[${index}]`));
}

/** Takes over the fields that are known, if they are what they should be. */
function readFailure(json: unknown, field: string): RequestFailure {
  if (!isJsonObject(json)) throw invalid(field, "must be an object");
  const text = (key: string) => {
    const value = json[key];
    return typeof value === "string" && value !== "" ? { [key]: value.slice(0, MAX_TEXT) } : {};
  };
  const number = (key: string) => {
    const value = json[key];
    return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? { [key]: value } : {};
  };
  const oneOf = (key: string, words: readonly string[]) => (words.includes(String(json[key])) ? text(key) : {});
  const failure = {
    ...number("seq"),
    ...(Number.isNaN(Date.parse(String(json["time"]))) ? {} : text("time")),
    ...oneOf("direction", ["inbound", "outbound"]),
  };
  for (const key of ["seq", "time", "direction"]) {
    if (!Object.hasOwn(failure, key)) throw invalid(`${field}.${key}`, "is missing or not valid");
  }
  const flags = Array.isArray(json["flags"]) ? json["flags"] : [];
  return {
    ...failure,
    ...text("service"),
    ...text("method"),
    ...text("path"),
    ...number("status"),
    ...number("grpcStatus"),
    ...oneOf("answeredBy", ["sidecar", "application", "remote-sidecar"]),
    ...text("upstream"),
    ...text("downstream"),
    flags: flags.slice(0, MAX_FLAGS).map((flag) => String(flag).slice(0, 20)),
    ...text("details"),
    ...number("durationMs"),
    ...text("requestId"),
  } as unknown as RequestFailure;
}

function invalid(field: string, message: string): MeshError {
  return new MeshError("MM104", "the report is not valid", { violations: [{ field, message }] });
}
