import type { Clock } from "../kernel/clock.ts";
import type { MeshError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import { Scope } from "../kernel/scope.ts";
import type { ServiceManager } from "../kernel/service-manager.ts";
import { trimMemory } from "../kernel/trim-memory.ts";
import type { Workload } from "../model/types/dataplane.ts";
import { hostPort } from "./checks/port-check.ts";
import { HURRIED_LEFT_MS, sayLeft } from "./control-plane/leave.ts";
import type { FrozenEnvoy } from "./envoy/envoy-watch.ts";
import { joinMesh, type SidecarParts } from "./join.ts";
import { leaveMesh } from "./leaving.ts";
import type { SidecarPlan } from "./plan.ts";
import type { Readiness } from "./readiness-server.ts";
import { createStartStory } from "./story/start-story.ts";

/**
 * ```
 * initial -> joining -> serving -> draining -> stopped
 *               |           |                     ^
 *               +-----------+---- failure --------+
 * ```
 * A failure while joining is a refusal, a wrong start of Envoy or a port that is taken; while serving only five crashes of
 * Envoy within a minute. The loss of the control plane is none (docs/sidecar.md).
 */
export type SupervisorState = "initial" | "joining" | "serving" | "draining" | "stopped";

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly manager: ServiceManager;
}

/** How a run ended that was not a failure. */
export interface RunEnd {
  /** False: it was stopped before it served. */
  readonly served: boolean;
}

/** By then the first requests are through and what the start needed is garbage; milliseconds. */
const TRIM_AFTER_MS = 2000;

/** One sidecar from its start to its end. */
export class Supervisor {
  readonly #plan: SidecarPlan;
  readonly #deps: SupervisorDeps;
  readonly #parts: SidecarParts = {};
  readonly #stop = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<never>();
  readonly #hurry = new AbortController();
  #state: SupervisorState = "initial";
  #stops = 0;
  #listenersDrained = false;
  #frozen: FrozenEnvoy | undefined;

  constructor(plan: SidecarPlan, deps: SupervisorDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#failed.promise.catch(() => undefined);
  }

  /** Whether it does what it is there for; what is not done yet is no failure. */
  get alive(): boolean {
    return this.#frozen === undefined;
  }

  get state(): SupervisorState {
    return this.#state;
  }

  /** The first call leaves gracefully (before joining: ends at once), the second waits for nothing any more. */
  stop(): void {
    this.#stops++;
    if (this.#stops === 1) this.#stop.resolve();
    else this.#hurry.abort();
  }

  /** Closes the inbound listeners gracefully and stays; a later stop then does not drain (contract, section 2.8). */
  async drainListeners(): Promise<void> {
    if (this.#state !== "serving") return;
    this.#listenersDrained = true;
    await this.#parts.admin?.drainListeners();
    this.#deps.log.info("listeners-drained", "the inbound listeners close gracefully; the sidecar stays");
  }

  /** Joins, serves until it is stopped, leaves. Rejects with the MeshError that ended it; all it started has ended then too. */
  async run(): Promise<RunEnd> {
    const scope = new Scope("sidecar");
    try {
      if (!(await this.#join(scope))) return { served: false };
      this.#state = "serving";
      this.#deps.manager.ready(this.#servingText());
      scope.own(this.#deps.clock.after(TRIM_AFTER_MS, trimMemory));
      await Promise.race([this.#stop.promise, this.#failed.promise]);
      this.#state = "draining";
      // All endpoints go away; an application that ends meanwhile is no news.
      this.#parts.probes?.[Symbol.dispose]();
      const { drainTime } = this.#plan.options.values;
      this.#deps.manager.stopping("draining", drainTime);
      await leaveMesh({
        parts: this.#parts,
        link: this.#plan.link,
        drainTime,
        listenersDrained: this.#listenersDrained,
        hurry: this.#hurry.signal,
        ...this.#deps,
      });
      return { served: true };
    } finally {
      this.#state = "stopped";
      await scope.close();
    }
  }

  /** True when it serves; false when it was stopped before. */
  async #join(scope: Scope): Promise<boolean> {
    const { clock, log } = this.#deps;
    this.#state = "joining";
    this.#deps.manager.status(`joining mesh ${this.#plan.mesh} as ${this.#plan.name}`);
    const joining = joinMesh({
      plan: this.#plan,
      parts: this.#parts,
      scope,
      clock,
      log,
      story: createStartStory(log, clock),
      readiness: () => this.#readiness(),
      onFrozen: (frozen) => {
        this.#frozen = frozen;
        const trouble = frozen && { text: `Envoy ${frozen.text}`, serves: frozen.kind === "silent" };
        this.#parts.probes?.setTrouble(trouble);
        this.#deps.manager.status(trouble?.text ?? this.#servingText());
      },
      fail: (error: MeshError) => this.#failed.reject(error),
      served: () => this.#state !== "joining",
    });
    const served = await Promise.race([
      joining.then(() => true),
      this.#stop.promise.then(() => false),
      this.#failed.promise,
    ]);
    if (served) return true;
    log.info("stopped", "stopped before it served");
    await this.#parts.keeper?.stop("now");
    const { leaver } = this.#parts;
    if (leaver) await sayLeft(this.#plan.link, leaver, HURRIED_LEFT_MS);
    await Promise.all([scope.close(), joining.catch(() => undefined)]);
    return false;
  }

  #servingText(): string {
    return `serving ${this.#plan.name} in mesh ${this.#plan.mesh}`;
  }

  /** The applications do not decide: they may be waiting for this answer themselves. */
  async #readiness(): Promise<Readiness> {
    if (this.#state === "draining" || this.#state === "stopped") return { status: 503, state: "TERMINATING" };
    const frozen = this.#frozen;
    if (frozen) return { status: 503, state: "NOT_READY", note: `Envoy (process ${frozen.pid}) ${frozen.text}` };
    const ready = (await this.#parts.admin?.ready()) ?? { status: 503, state: "NOT_READY" };
    const waiting = this.#parts.probes?.waiting ?? [];
    return waiting.length === 0 ? ready : { ...ready, note: `waiting for ${waiting.map(workloadText).join(", ")}` };
  }
}

function workloadText({ port, address, servicePort }: Workload): string {
  return `the application at ${hostPort(address, servicePort)} (inbound ${port})`;
}
