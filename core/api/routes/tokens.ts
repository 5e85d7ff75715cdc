import type { FastifyInstance } from "fastify";
import { optional, record, string } from "zod/mini";
import type { DataplaneTokenRequest } from "../../auth/authenticator.ts";
import { DEFAULT_TOKEN_VALIDITY_MS } from "../../auth/token-issuer.ts";
import { formatDuration, parseDuration } from "../../kernel/duration.ts";
import { MeshError, type Violation } from "../../kernel/errors.ts";
import { list, message, text } from "../../model/shape/fields.ts";
import { readShape } from "../../model/shape/read-shape.ts";
import type { ApiDeps } from "../api-deps.ts";
import { sendPlain } from "../reply.ts";
import { objectBody } from "../request-body.ts";
import { requireMesh } from "../require-mesh.ts";

const TokenRequestShape = message({
  name: optional(text()),
  mesh: text(),
  tags: optional(record(string(), list(text()))),
  type: optional(text()),
  workload: optional(text()),
  /** Go's syntax. Default 24 h; Kuma's is 10 years, longer than most machines live. */
  validFor: optional(text()),
});

/** Says how long the token is valid, in Go's syntax; the body is the token alone. */
export const VALID_FOR_HEADER = "x-monomesh-token-valid-for";

/** `POST /tokens/dataplane` (contract, section 6.3). The answer is the token as plain text. */
export function addTokenRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.post("/tokens/dataplane", { config: { title: "Could not issue a token" } }, async (request, reply) => {
    const tokenRequest = readTokenRequest(objectBody(request.body));
    await requireMesh(deps.store, tokenRequest.mesh);
    const issued = await deps.tokens.issueDataplaneToken(tokenRequest);
    reply.header(VALID_FOR_HEADER, formatDuration(tokenRequest.validFor)).header("cache-control", "no-store");
    return sendPlain(reply, 200, issued);
  });
}

function readTokenRequest(json: Readonly<Record<string, unknown>>): DataplaneTokenRequest {
  const { spec, violations, unknownFields } = readShape(TokenRequestShape, json);
  const problems: Violation[] = [...violations];
  if (spec.mesh === "" && !problems.some((each) => each.field === "mesh"))
    problems.push({ field: "mesh", message: "is required" });
  const validFor = spec.validFor ? parseDuration(spec.validFor) : DEFAULT_TOKEN_VALIDITY_MS;
  if (validFor === undefined || !Number.isFinite(validFor) || validFor <= 0) {
    problems.push({ field: "validFor", message: "must be a duration longer than 0s, such as 24h" });
  }
  // A misspelt restriction that is ignored would make a token that is good for more than was meant.
  for (const { field, nearest } of unknownFields) {
    problems.push({ field, message: `is no field${nearest ? `. Nearest: ${nearest}` : ""}` });
  }
  if (problems.length > 0) throw new MeshError("MM400", "the token request is not valid", { violations: problems });
  return {
    mesh: spec.mesh,
    name: spec.name ?? "",
    tags: spec.tags ?? {},
    type: spec.type ?? "",
    workload: spec.workload ?? "",
    validFor: validFor ?? 0,
  };
}
