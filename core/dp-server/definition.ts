import { MeshError } from "../kernel/errors.ts";
import type { ResourceDraft } from "../model/resource.ts";
import { type DraftResult, draftFromJson } from "../model/resource-json.ts";
import { isJsonObject } from "../model/shape/proto-json.ts";
import { DATAPLANE, type DataplaneSpec, dataplaneType } from "../model/types/dataplane.ts";
import type { KnownDefinitions } from "./known-definitions.ts";

export type DefinitionResult = DraftResult<DataplaneSpec>;

/**
 * Reads the JSON text of a Dataplane that a sidecar brings. Unknown fields are accepted, and so is the noise that
 * kuma-dp adds (times of year 1, `kri`; contract, section 3.1). `mesh` and `name` fill in what the text leaves out.
 */
export function readDefinition(text: string, mesh: string, name: string): DefinitionResult {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(`is not JSON: ${(cause as Error).message}`);
  }
  if (!isJsonObject(json)) throw invalid("must be a JSON object");
  const { type = DATAPLANE } = json;
  if (type !== DATAPLANE) throw invalid(`describes a ${String(type)}; only a Dataplane can have a sidecar here`);
  return draftFromJson(
    dataplaneType,
    { ...json, mesh: json["mesh"] || mesh, name: json["name"] || name },
    { strict: false },
  );
}

/**
 * The definition in node metadata, which makes a proxy Direct (contract, section 4.4); one that is known need not be read.
 * Undefined for Indirect. MM104 if it is not valid.
 */
export function definitionOf(
  metadata: Readonly<Record<string, unknown>>,
  mesh: string,
  name: string,
  known: KnownDefinitions,
): ResourceDraft<DataplaneSpec> | undefined {
  const text = metadata["dataplane.resource"];
  if (typeof text !== "string" || text === "") return undefined;
  const draft = known.take(text) ?? validDefinition(text, mesh, name);
  if (draft.mesh !== mesh || draft.name !== name) {
    const message = `the proxy says it is ${mesh}.${name}, but its definition is of ${draft.mesh}.${draft.name}`;
    throw new MeshError("MM700", message);
  }
  return draft;
}

function validDefinition(text: string, mesh: string, name: string): ResourceDraft<DataplaneSpec> {
  const { draft, violations } = readDefinition(text, mesh, name);
  if (violations.length > 0) throw new MeshError("MM104", "the definition of the sidecar is not valid", { violations });
  return draft;
}

function invalid(message: string): MeshError {
  return new MeshError("MM104", "the definition cannot be read", {
    violations: [{ field: "dataplaneResource", message }],
  });
}
