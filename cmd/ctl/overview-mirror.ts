import { systemClock } from "../../core/kernel/clock.ts";
import { follow } from "./follow.ts";
import { type Json, recordOf } from "./output/json.ts";
import type { Session } from "./session.ts";

/** Changes that come within this time are shown together; milliseconds. */
const TOGETHER_MS = 50;

export interface MirrorChange {
  /** All there are, in order of mesh and name. */
  readonly overviews: readonly Json[];
  /** Those that are new or different since the last call. */
  readonly changed: readonly Json[];
  /** Those that went, as they were last. */
  readonly gone: readonly Json[];
}

/**
 * Keeps the overviews of a control plane as they are there, by its watch: calls back once with all of them, then with what
 * changed. Returns when the signal aborts. A control plane that goes away for a while changes nothing by that, nor, if
 * `patient`, one that is not there yet.
 */
export async function mirrorOverviews(
  session: Session,
  path: string,
  onChange: (change: MirrorChange) => void,
  signal: AbortSignal,
  patient = false,
): Promise<void> {
  const shown = new Map<string, Json>();
  let incoming = new Map<string, Json>();
  let whole = false;
  let timer: Disposable | undefined;
  const flush = () => {
    timer = undefined;
    const changed = [...incoming].filter(([key, overview]) => shown.get(key) !== overview).map(([, each]) => each);
    const gone = [...shown].filter(([key]) => !incoming.has(key)).map(([, overview]) => overview);
    shown.clear();
    for (const [key, overview] of incoming) shown.set(key, overview);
    const overviews = [...shown].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, overview]) => overview);
    onChange({ overviews, changed, gone });
  };
  const restart = () => {
    incoming = new Map();
    whole = false;
    timer?.[Symbol.dispose]();
    timer = undefined;
    return path;
  };
  try {
    await follow(
      session,
      restart,
      ({ name, data }) => {
        const overview = recordOf(data);
        const key = `${overview["mesh"]} ${overview["name"]}`;
        if (name === "reset") restart();
        else if (name === "now") whole = true;
        else if (name === "delete") incoming.delete(key);
        else if (name === "put") incoming.set(key, sameAs(shown.get(key), overview));
        if (whole) timer ??= systemClock.after(TOGETHER_MS, flush);
      },
      signal,
      patient,
    );
  } finally {
    timer?.[Symbol.dispose]();
  }
}

/** The one that is known already if the other says the same, so that it is not shown as a change. */
function sameAs(known: Json | undefined, overview: Json): Json {
  return known && JSON.stringify(known) === JSON.stringify(overview) ? known : overview;
}
