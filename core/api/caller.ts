import type { FastifyRequest } from "fastify";
import { type ApiAccess, decideApiAccess } from "../auth/api-access.ts";
import { MeshError } from "../kernel/errors.ts";
import type { ApiDeps } from "./api-deps.ts";

export function accessOf(deps: Pick<ApiDeps, "localhostIsAdmin">, request: FastifyRequest): ApiAccess {
  const { socket, headers } = request.raw;
  return decideApiAccess(
    { remoteAddress: socket.remoteAddress, secure: "encrypted" in socket, headers },
    deps.localhostIsAdmin ?? true,
  );
}

/** MM302 unless the caller is the admin. `what` completes "only the admin may ...". */
export function requireAdmin(deps: Pick<ApiDeps, "localhostIsAdmin">, request: FastifyRequest, what: string): void {
  const { admin, reason } = accessOf(deps, request);
  if (admin) return;
  throw new MeshError("MM302", `only the admin may ${what}, and there is no admin but on the control plane's machine`, {
    why: reason,
    todo: "Call it on that machine as http://localhost:PORT without a proxy in between; a later version also lets users in by their tokens",
  });
}
