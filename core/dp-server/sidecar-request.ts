import { MeshError, type Violation } from "../kernel/errors.ts";
import { isJsonObject } from "../model/shape/proto-json.ts";

/** What of an HTTP request of a sidecar matters. */
export interface SidecarCall {
  readonly body: string;
  /** The header, with or without `Bearer`. */
  readonly authorization: string | undefined;
}

/** Who sends a request: one start of one sidecar. */
export interface SidecarRequest {
  readonly mesh: string;
  readonly name: string;
  readonly incarnation: string;
  /** The whole body. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Undefined for a body that is no JSON object; MM104 when a field is missing. */
export function readSidecarRequest(body: string): SidecarRequest | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isJsonObject(json)) return undefined;
  const violations: Violation[] = [];
  const text = (field: string): string => {
    const value = json[field];
    if (typeof value === "string" && value !== "") return value;
    violations.push({ field, message: "is required, as text" });
    return "";
  };
  const request = { mesh: text("mesh"), name: text("name"), incarnation: text("incarnation"), json };
  if (violations.length > 0) throw new MeshError("MM104", "the request is not valid", { violations });
  return request;
}

/** gRPC carries the token bare, REST behind `Bearer`; here both are fine. */
export function rawToken(authorization: string | undefined): string | undefined {
  return authorization?.replace(/^Bearer\s+/i, "").trim() || undefined;
}
