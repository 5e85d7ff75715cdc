/** Losses within this time count together; milliseconds. */
const WINDOW_MS = 5000;
/** A small mesh has no mass loss: two sidecars of three die for ordinary reasons. */
const FEWEST = 10;

interface MeshLosses {
  /** Losses of the window: name -> monotonic time, oldest first. */
  readonly window: Map<string, number>;
  /** Proxies whose present loss belongs to a mass loss. */
  readonly spared: Set<string>;
  /** Until then every loss belongs to the mass loss that was recognised; monotonic. */
  massUntil: number;
}

export interface LossVerdict {
  /** The loss is part of a mass loss: its endpoints stay as they are. */
  readonly spared: boolean;
  /** Earlier losses of the window that turn out to be part of it. */
  readonly alsoSpared: readonly string[];
}

/**
 * Recognises that so much of a mesh was lost at once (10 or more proxies and more than half of it within 5 s) that the
 * control plane is probably the one cut off. Degrading half of the mesh then would do the harm itself.
 */
export class MassLossGuard {
  readonly #meshes = new Map<string, MeshLosses>();

  /**
   * A proxy was lost at the monotonic time `now`; `connected` are the names that still count as connected in the
   * mesh, of which those lost in the window are taken off here (their records may not be written yet).
   */
  lost(mesh: string, name: string, now: number, connected: ReadonlySet<string>): LossVerdict {
    const losses = this.#losses(mesh);
    const { window, spared } = losses;
    for (const [each, at] of window) {
      if (at > now - WINDOW_MS) break;
      window.delete(each);
    }
    window.delete(name);
    window.set(name, now);
    if (now < losses.massUntil) {
      spared.add(name);
      return { spared: true, alsoSpared: [] };
    }
    if (window.size < FEWEST) return { spared: false, alsoSpared: [] };
    let remaining = connected.size;
    for (const each of window.keys()) if (connected.has(each)) remaining--;
    if (window.size <= remaining) return { spared: false, alsoSpared: [] };
    losses.massUntil = now + WINDOW_MS;
    for (const each of window.keys()) spared.add(each);
    return { spared: true, alsoSpared: [...window.keys()].filter((each) => each !== name) };
  }

  /** The proxy came back or was removed: its loss no longer counts. */
  settled(mesh: string, name: string): void {
    const losses = this.#meshes.get(mesh);
    losses?.window.delete(name);
    losses?.spared.delete(name);
  }

  /** Whether the loss that was reported for this proxy belongs to a mass loss by now. */
  isSpared(mesh: string, name: string): boolean {
    return this.#meshes.get(mesh)?.spared.has(name) ?? false;
  }

  #losses(mesh: string): MeshLosses {
    const losses = this.#meshes.get(mesh) ?? {
      window: new Map<string, number>(),
      spared: new Set<string>(),
      massUntil: Number.NEGATIVE_INFINITY,
    };
    this.#meshes.set(mesh, losses);
    return losses;
  }
}
