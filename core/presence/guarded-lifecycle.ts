import { Guard, type GuardOptions } from "../kernel/guard.ts";
import type { Admission, Lifecycle } from "./lifecycle.ts";
import type { ProxyStream } from "./presence.ts";

/**
 * A user's lifecycle behind checks: errors name the plugin, an admission is one for the proxy that asked, and what cannot
 * be told keeps the Dataplane.
 */
export function createGuardedLifecycle(lifecycle: Lifecycle, options: GuardOptions): Lifecycle {
  const guard = new Guard(options);
  /** For the calls that nobody waits for: the finding is logged and `instead` is the answer. */
  const answered = <T>(method: string, answers: readonly T[], instead: T, ask: () => T): T => {
    let answer: unknown;
    try {
      answer = ask();
    } catch (error) {
      guard.broken(method, `threw: ${guard.asMeshError(method, error).message}`);
      return instead;
    }
    if (answers.includes(answer as T)) return answer as T;
    guard.broken(method, `returned ${String(answer)}, not ${answers.map(String).join(" or ")}`);
    return instead;
  };
  return {
    name: options.name,
    accepts: (stream) => answered("accepts", [true, false], false, () => lifecycle.accepts(stream)),
    admit: (request) =>
      guard.call(
        "admit",
        () => lifecycle.admit(request),
        (admission) => wrongAdmission(admission, request.stream),
      ),
    afterLeave: (presence) => answered("afterLeave", ["keep", "delete"], "keep", () => lifecycle.afterLeave(presence)),
  };
}

function wrongAdmission(admission: Admission, { proxy }: ProxyStream): string | undefined {
  const { dataplane, ownsDataplane } = admission ?? {};
  if (typeof dataplane !== "object" || dataplane === null) return "returned no dataplane";
  if (dataplane.type !== "Dataplane" || dataplane.mesh !== proxy.mesh || dataplane.name !== proxy.name) {
    return `returned ${dataplane.type} "${dataplane.name}" of mesh "${dataplane.mesh}" for the proxy "${proxy.name}" of mesh "${proxy.mesh}"`;
  }
  if (typeof ownsDataplane !== "boolean") return "returned an ownsDataplane that is neither true nor false";
  return undefined;
}

/** Users' lifecycles are asked first; a built-in one serves only streams that none of them accepts. */
export function orderLifecycles(users: readonly Lifecycle[], builtin: readonly Lifecycle[]): readonly Lifecycle[] {
  if (users.length === 0) return builtin;
  const left = (lifecycle: Lifecycle): Lifecycle => ({
    name: lifecycle.name,
    accepts: (stream) => !users.some((each) => each.accepts(stream)) && lifecycle.accepts(stream),
    admit: (request) => lifecycle.admit(request),
    afterLeave: (presence) => lifecycle.afterLeave(presence),
  });
  return [...users, ...builtin.map(left)];
}
