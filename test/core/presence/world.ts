import { createEventLog } from "../../../core/events/event-log.ts";
import { createLogger, type Logger } from "../../../core/kernel/log.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import type { SidecarHealth } from "../../../core/model/dataplane/sidecar-health.ts";
import { DATAPLANE_PRESENCE, type PresenceSpec } from "../../../core/model/dataplane-presence.ts";
import type { Resource, ResourceDraft } from "../../../core/model/resource.ts";
import type { DataplaneSpec } from "../../../core/model/types/dataplane.ts";
import { createPresence, type PresenceSettings } from "../../../core/presence/create-presence.ts";
import type { PresenceOutlook } from "../../../core/presence/outlook.ts";
import type { Presence, PresenceLease, ProxyStream } from "../../../core/presence/presence.ts";
import type { AcknowledgedResult, Acknowledgements } from "../../../core/push/acknowledgements.ts";
import type { ProxyId } from "../../../core/push/snapshot.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { createDirectLifecycle } from "../../../plugins/lifecycle-direct/direct.ts";
import { createIndirectLifecycle } from "../../../plugins/lifecycle-indirect/indirect.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { ManualClock } from "../../support/manual-clock.ts";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const YEAR = 365 * 24 * HOUR;

/** One line that people would have seen. */
export interface Line {
  readonly level: string;
  readonly event: string;
  readonly text: string;
}

export interface AcknowledgementRequest {
  readonly services: readonly string[];
  readonly revision: number;
  readonly answer: (result: AcknowledgedResult) => void;
}

/** Consumers whose confirmation the test gives; those that get no answer are missing when time is up. */
export class ScriptedConsumers implements Acknowledgements {
  /** What `waitFor` answers at once; undefined: the test answers the request. */
  answer: AcknowledgedResult | undefined = { total: 0, missing: [] };
  readonly requests: AcknowledgementRequest[] = [];

  waitFor: Acknowledgements["waitFor"] = (mesh, services, revision, { signal }) => {
    if (this.answer) {
      this.requests.push({ services, revision, answer: () => undefined });
      return Promise.resolve(this.answer);
    }
    return new Promise((resolve) => {
      this.requests.push({ services, revision, answer: resolve });
      signal.addEventListener("abort", () => resolve({ total: 1, missing: [{ mesh, name: "slow-1" }] }));
    });
  };
}

export interface ControlPlane {
  readonly instance: string;
  readonly presence: Presence & PresenceOutlook;
  readonly scope: Scope;
  /** Ends without a word, as `kill -9` does: no last heartbeat, nothing written any more. */
  crash(): Promise<void>;
  /** Ends in an orderly way. */
  stop(): Promise<void>;
}

/** A store, a clock and any number of control planes on them. */
export class World {
  readonly clock: ManualClock;
  readonly store: ResourceStore;
  readonly consumers = new ScriptedConsumers();
  readonly lines: Line[] = [];
  readonly absences: { readonly name: string; readonly lastSeen: number }[] = [];
  readonly log: Logger = createLogger({
    write: (level, event, text) => void this.lines.push({ level, event, text }),
  });
  /** Steps by which calls of the store are delayed, before and after, so that control planes get in each other's way. */
  jitter: () => number = () => 0;
  #instances = 0;

  /** A memory store unless another is given. */
  constructor(clock = new ManualClock(), store: ResourceStore = createMemoryStore({ clock })) {
    this.clock = clock;
    this.store = store;
  }

  async meshes(...names: string[]): Promise<this> {
    for (const name of names.length > 0 ? names : ["default"]) {
      await this.store.put({ type: "Mesh", mesh: "", name, labels: {}, spec: {} });
    }
    return this;
  }

  async controlPlane(settings: PresenceSettings = {}, instance = `cp-${++this.#instances}`): Promise<ControlPlane> {
    const scope = new Scope(instance);
    const cut = cutOff(this.store, () => this.jitter());
    const presence = await createPresence({
      store: cut.store,
      lifecycles: [createDirectLifecycle(), createIndirectLifecycle()],
      acknowledgements: this.consumers,
      clock: this.clock,
      log: this.log,
      events: createEventLog({ log: this.log, clock: this.clock, instance }),
      scope,
      instance,
      settings,
      observer: { absent: ({ name }, lastSeen) => void this.absences.push({ name, lastSeen }) },
    });
    return {
      instance,
      presence,
      scope,
      crash: async () => {
        cut.cut();
        await scope.close();
      },
      stop: () => scope.close(),
    };
  }

  async record(name: string, mesh = "default"): Promise<PresenceSpec | undefined> {
    return (await this.store.get({ type: DATAPLANE_PRESENCE, mesh, name }))?.spec as PresenceSpec | undefined;
  }

  async dataplane(name: string, mesh = "default"): Promise<Resource<DataplaneSpec> | undefined> {
    return (await this.store.get({ type: "Dataplane", mesh, name })) as Resource<DataplaneSpec> | undefined;
  }

  /** Lines of one event, without the columns' padding. */
  said(event: string): string[] {
    return this.lines.filter((line) => line.event === event).map((line) => line.text.replaceAll(/ {2,}/g, " "));
  }
}

/** A store that a crashed process can no longer reach; others still can. */
function cutOff(store: ResourceStore, jitter: () => number): { readonly store: ResourceStore; cut(): void } {
  let alive = true;
  const dead = () => new Promise<never>(() => undefined);
  const delay = async (steps: number) => {
    for (; steps >= 1; steps--) await undefined;
  };
  const proxy = new Proxy(store, {
    get(target, property) {
      const value = Reflect.get(target, property) as unknown;
      if (typeof value !== "function") return value;
      if (property === "watch") return value.bind(target);
      return async (...args: unknown[]) => {
        const steps = jitter();
        if (steps > 0) await delay(steps);
        // The last heartbeat of an orderly stop must not hang the test; everything else never comes back.
        if (!alive) return property === "put" ? Promise.reject(new Error("dead")) : dead();
        const result: unknown = await (value as (...given: unknown[]) => unknown).apply(target, args);
        if (steps > 0) await delay(jitter());
        return alive ? result : dead();
      };
    },
  });
  const cut = () => {
    alive = false;
  };
  return { store: proxy, cut };
}

export function definitionOf(
  name: string,
  port: number,
  options: {
    mesh?: string;
    address?: string;
    service?: string;
    probed?: boolean;
    labels?: Record<string, string>;
  } = {},
): ResourceDraft<DataplaneSpec> {
  return {
    type: "Dataplane",
    mesh: options.mesh ?? "default",
    name,
    labels: options.labels ?? {},
    spec: {
      networking: {
        address: options.address ?? "192.168.0.1",
        inbound: [
          {
            port,
            servicePort: 6379,
            tags: { "kuma.io/service": options.service ?? "redis" },
            ...(options.probed ? { serviceProbe: { tcp: {} } } : {}),
          },
        ],
      },
    },
  };
}

let streams = 0;

/** One stream as the DP server would hand it over. */
export class Stream implements ProxyStream {
  readonly proxy: ProxyId;
  readonly streamId = `stream-${++streams}`;
  readonly incarnation: string;
  readonly definition: ResourceDraft | undefined;
  readonly peer: string;
  readonly #controller = new AbortController();
  /** Why the control plane ended it. */
  endedBecause: string | undefined;
  /** What our own sidecar says when it opens the stream. */
  health: SidecarHealth | undefined;
  /** The token's opinion about stored Dataplanes. */
  authenticate: (dataplane: Resource) => Promise<void> = async () => undefined;

  constructor(
    proxy: string | ProxyId,
    incarnation: string,
    definition?: ResourceDraft | undefined,
    peer = "10.0.0.1:40000",
  ) {
    this.proxy = typeof proxy === "string" ? { mesh: "default", name: proxy } : proxy;
    this.incarnation = incarnation;
    this.definition = definition;
    this.peer = peer;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(reason: string): void {
    this.endedBecause ??= reason;
    this.#controller.abort();
  }

  /** The connection is gone. */
  abort(): void {
    this.#controller.abort();
  }
}

/** Opens a stream and gives what became of it so far. */
export class Join {
  readonly stream: Stream;
  lease: PresenceLease | undefined;
  error: Error | undefined;
  readonly settled: Promise<void>;

  constructor(controlPlane: ControlPlane, stream: Stream) {
    this.stream = stream;
    this.settled = controlPlane.presence.open(stream).then(
      (lease) => {
        this.lease = lease;
      },
      (error: Error) => {
        this.error = error;
      },
    );
  }

  get state(): "active" | "parked" | "waiting" | "refused" {
    if (this.error) return "refused";
    if (!this.lease) return "waiting";
    return this.lease.active ? "active" : "parked";
  }

  close(reason = "the connection was reset"): void {
    this.stream.abort();
    this.lease?.close(reason);
  }
}
