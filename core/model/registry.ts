import { MeshError } from "../kernel/errors.ts";
import type { ResourceType } from "./resource-type.ts";
import { controlPlaneHeartbeatType } from "./types/control-plane-heartbeat.ts";
import { dataplaneType } from "./types/dataplane.ts";
import { dataplaneInsightType } from "./types/dataplane-insight.ts";
import { dataplanePresenceType } from "./types/dataplane-presence.ts";
import { meshType } from "./types/mesh.ts";
import { globalSecretType, secretType } from "./types/secret.ts";

/** The one list of the types that are built in; policy plugins bring theirs. The sidecar imports single types instead. */
export function resourceTypes(): readonly ResourceType[] {
  return [
    meshType,
    dataplaneType,
    dataplaneInsightType,
    secretType,
    globalSecretType,
    dataplanePresenceType,
    controlPlaneHeartbeatType,
  ];
}

/** Finds types by the names that definitions and paths use. */
export interface ResourceTypes {
  /** All types, in the order they were given. */
  readonly all: readonly ResourceType[];
  /** The types that REST and the command line know, sorted by name. */
  readonly visible: readonly ResourceType[];
  get(name: string): ResourceType | undefined;
  /** A visible type by the path of its collection, or an alias of it. */
  byPath(path: string): ResourceType | undefined;
}

/** Throws MM801 when two types share a name or a path: the second would shadow the first. */
export function createRegistry(types: readonly ResourceType[] = resourceTypes()): ResourceTypes {
  const byName = new Map<string, ResourceType>();
  const byPath = new Map<string, ResourceType>();
  for (const type of types) {
    if (byName.has(type.name)) throw new MeshError("MM801", `two resource types are called ${type.name}`);
    byName.set(type.name, type);
    for (const path of [type.path, ...type.pathAliases]) {
      if (byPath.has(path)) throw new MeshError("MM801", `two resource types use the path ${path}`);
      byPath.set(path, type);
    }
  }
  const visible = types.filter((type) => !type.internal).sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    all: types,
    visible,
    get: (name) => byName.get(name),
    byPath(path) {
      const type = byPath.get(path);
      return type?.internal ? undefined : type;
    },
  };
}
