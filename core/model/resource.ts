/** Identifies a resource. `mesh` is the empty string for types of Global scope. */
export interface ResourceKey {
  readonly type: string;
  readonly mesh: string;
  readonly name: string;
}

/** What a user hands in. Times, version and computed labels are the control plane's. */
export interface ResourceDraft<Spec = unknown> extends ResourceKey {
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Spec;
}

/** A resource as it is stored. Frozen by convention: a change is a new object. */
export interface Resource<Spec = unknown> extends ResourceDraft<Spec> {
  /** Milliseconds since 1970. */
  readonly creationTime: number;
  readonly modificationTime: number;
  /** Counts the writes of this key since it was created, from 1. The expected version of a conditional put. */
  readonly version: number;
  /** Store revision of the write that made it; grows over all keys. */
  readonly revision: number;
}

/** One string for maps and logs. Types and names contain no slash. */
export function keyText(key: ResourceKey): string {
  return `${key.type}/${key.mesh}/${key.name}`;
}

export function sameKey(a: ResourceKey, b: ResourceKey): boolean {
  return a.type === b.type && a.mesh === b.mesh && a.name === b.name;
}
