import type { EventKind } from "../events/event.ts";
import { outcomeText } from "../events/event-text.ts";
import type { ResourceKey } from "../model/resource.ts";
import { MESH } from "../model/types/mesh.ts";
import type { RevisionRange } from "../push/configurations.ts";
import type { ApiDeps } from "./api-deps.ts";

/** The event of a change waits this long for the proxies; milliseconds. */
const PATIENCE_MS = 2000;

export interface UserChange {
  readonly kind: EventKind & ("created" | "updated" | "deleted");
  readonly key: ResourceKey;
  /** Where in the store's history it is. */
  readonly revisions: RevisionRange;
  /** Name of the caller, and where the call came from. */
  readonly user: string;
  readonly from: string;
}

/** Tells who changed what, once it is known how many proxies took it over. Goes on in the background; never fails. */
export function tellChange(deps: ApiDeps, change: UserChange, signal: AbortSignal): void {
  void tell(deps, change, signal).catch((error: Error) =>
    deps.log.error("api-failed", `a change of ${change.key.type} ${change.key.name} was not told: ${error.message}`),
  );
}

async function tell(
  { clock, events, configurations }: ApiDeps,
  change: UserChange,
  signal: AbortSignal,
): Promise<void> {
  const { kind, key, revisions, user, from } = change;
  const time = clock.now();
  const patience = new AbortController();
  using _timer = clock.after(PATIENCE_MS, () => patience.abort());
  // A Mesh concerns its own proxies.
  const mesh = key.type === MESH ? key.name : key.mesh;
  const outcome = await configurations.applied(mesh, revisions, AbortSignal.any([patience.signal, signal]));
  const told = outcomeText(outcome);
  const detail = `${key.type}, by ${user} from ${from}${told ? `; ${told}` : ""}`;
  const missed = outcome.missing.length > 0;
  events.tell({ kind, level: missed ? "warn" : "info", ...key, detail, user, outcome, time });
}
