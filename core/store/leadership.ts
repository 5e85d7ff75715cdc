import type { ResourceKey } from "../model/resource.ts";
import type { Fence, ResourceStore } from "./resource-store.ts";

/**
 * Which of the control planes on one store leads. Only work that every control plane could do, but one should, is the
 * leader's: it saves the others the trouble, and nothing depends on there being exactly one. What must happen once is
 * fenced: by the term, or by the epoch of what it concerns.
 */
export interface Leadership {
  readonly leads: boolean;
  /**
   * The term of this control plane while it leads: a write with this fence fails (MM511) once another has taken over.
   * Undefined where nobody else can, and while another leads.
   */
  readonly term: Fence | undefined;
  /** Calls back after each change of `leads`; not for the present state. */
  onChange(listener: () => void): Disposable;
}

/** Its epoch counts the leaders there were. No resource is stored under it. */
export const LEADER_KEY: ResourceKey = { type: "ControlPlaneLeader", mesh: "", name: "leader" };

/** A store that several control planes can use says which of them leads, and whether what they share is there. */
export interface SharedStore extends ResourceStore {
  readonly leadership: Leadership;
  /** False while reads come from memory and writes are refused. */
  readonly available: boolean;
}

/** A store that only one control plane uses: that one leads. */
const ALONE: Leadership = {
  leads: true,
  term: undefined,
  onChange: () => ({ [Symbol.dispose]: () => undefined }),
};

/** True for stores that do not say. */
export function isAvailable(store: ResourceStore): boolean {
  return (store as Partial<SharedStore>).available ?? true;
}

export function leadershipOf(store: ResourceStore): Leadership {
  return (store as Partial<SharedStore>).leadership ?? ALONE;
}
