import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProxyAuthenticator } from "../../../core/auth/authenticator.ts";
import type { ControlPlaneCa, TlsIdentity } from "../../../core/ca/control-plane-ca.ts";
import { loadServerIdentity } from "../../../core/ca/server-identity.ts";
import { createDpServer, type DpServerDeps } from "../../../core/dp-server/dp-server.ts";
import { createEventLog } from "../../../core/events/event-log.ts";
import { BoundedFailureBook } from "../../../core/insight/failure-book.ts";
import { type Clock, systemClock } from "../../../core/kernel/clock.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { createLogger, silentLogger } from "../../../core/kernel/log.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import type { DataplaneSpec } from "../../../core/model/types/dataplane.ts";
import type { HealthReport, PresenceLease, ProxyStream } from "../../../core/presence/presence.ts";
import { type ProxyId, proxyText, type Snapshot, type SnapshotSubscription } from "../../../core/push/snapshot.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";

/** A Dataplane called `name` with one service of the same name. */
export function dataplaneDraft(name: string, service = name, mesh = "default"): ResourceDraft<DataplaneSpec> {
  return {
    type: "Dataplane",
    mesh,
    name,
    labels: {},
    spec: {
      networking: {
        address: "192.168.0.1",
        inbound: [{ port: 9000, servicePort: 6379, tags: { "kuma.io/service": service } }],
      },
    } as DataplaneSpec,
  };
}

/** Tokens in these tests are `for:<name>`; what they may do is the business of core/auth and tested there. */
const authenticator: ProxyAuthenticator = {
  async authenticate(credential, dataplane) {
    if (credential === undefined) throw new MeshError("MM301", "the sidecar has no token");
    if (!credential.startsWith("for:")) throw new MeshError("MM310", "the token's signature does not match");
    const name = credential.slice("for:".length);
    const { inbound } = (dataplane.spec as DataplaneSpec).networking;
    const service = inbound?.[0]?.tags?.["kuma.io/service"];
    if (name !== service) throw new MeshError("MM311", `the token is for ${name}, not ${service}`);
  },
};

/** A lease whose activity the test controls. */
export class FakeLease implements PresenceLease {
  readonly stream: ProxyStream;
  readonly dataplane: PresenceLease["dataplane"];
  active = true;
  closed: string | undefined;
  #listener: ((active: boolean) => void) | undefined;

  constructor(stream: ProxyStream, dataplane: PresenceLease["dataplane"]) {
    this.stream = stream;
    this.dataplane = dataplane;
  }

  setActive(active: boolean): void {
    this.active = active;
    this.#listener?.(active);
  }

  onActive(listener: (active: boolean) => void): Disposable {
    this.#listener = listener;
    return { [Symbol.dispose]: () => undefined };
  }

  close(reason: string): void {
    this.closed ??= reason;
  }
}

/** A DP server on a free port with a memory store; presence and the push engine are played by the test. */
export class ServerBench implements AsyncDisposable {
  readonly scope = new Scope("test");
  readonly store = createMemoryStore();
  readonly leases: FakeLease[] = [];
  readonly calls: string[] = [];
  readonly events: string[] = [];
  readonly failures = new BoundedFailureBook();
  /** What `acknowledged` was told: `name type revision`. */
  readonly acks: string[] = [];
  readonly insight: string[] = [];
  /** What presence was told about applications. */
  readonly reports: (HealthReport & { readonly name: string; readonly incarnation: string | undefined })[] = [];
  takesReports = true;
  ca!: ControlPlaneCa;
  port = 0;
  /** Throws what presence shall refuse with. */
  admit: (stream: ProxyStream) => Promise<void> = async () => undefined;
  readonly #subscribers = new Map<string, Set<(snapshot: Snapshot) => void>>();
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #identityListeners = new Set<(identity: TlsIdentity) => void>();
  #workDir = "";

  static async open(
    bootstrap: DpServerDeps["bootstrap"] = {},
    hds: DpServerDeps["hds"] = {},
    clock: Clock = systemClock,
  ): Promise<ServerBench> {
    const bench = new ServerBench();
    await bench.#start(bootstrap, hds, clock);
    return bench;
  }

  async #start(bootstrap: DpServerDeps["bootstrap"], hds: DpServerDeps["hds"], clock: Clock): Promise<void> {
    this.#workDir = await mkdtemp(join(tmpdir(), "dp-server-"));
    const { store } = this;
    await store.put({ type: "Mesh", mesh: "", name: "default", labels: {}, spec: {} });
    const identity = await loadServerIdentity({
      store,
      workDir: this.#workDir,
      hosts: [],
      clock: systemClock,
      log: silentLogger,
    });
    this.ca = {
      ...identity,
      onChange: (listener) => {
        this.#identityListeners.add(listener);
        return { [Symbol.dispose]: () => this.#identityListeners.delete(listener) };
      },
    };
    const log = createLogger({
      write: (_level, event, text, fields) => void this.events.push(`${event} ${text} ${fields["code"] ?? ""}`.trim()),
    });
    const server = await createDpServer({
      scope: this.scope,
      clock,
      log,
      events: createEventLog({ log, clock: systemClock, instance: "cp-1" }),
      store,
      authenticator,
      ca: this.ca,
      presence: {
        open: (stream) => this.#open(stream),
        leave: async (proxy, incarnation) => {
          this.calls.push(`leave ${proxyText(proxy)} ${incarnation}`);
          return { consumers: 3, missing: ["web-2"] };
        },
        left: async (proxy, incarnation) => void this.calls.push(`left ${proxyText(proxy)} ${incarnation}`),
        report: async (proxy, incarnation, report) => {
          this.reports.push({ name: proxy.name, incarnation, ...report });
          return this.takesReports;
        },
        stop: async () => undefined,
      },
      failures: this.failures,
      snapshots: { subscribe: (proxy, onSnapshot) => this.#subscribe(proxy, onSnapshot) },
      insight: {
        opened: (proxy) => ({
          sent: (type) => void this.insight.push(`${proxy.name} sent ${type}`),
          acknowledged: (type) => void this.insight.push(`${proxy.name} ack ${type}`),
          rejected: (type, { message }) => void this.insight.push(`${proxy.name} nack ${type}: ${message}`),
          closed: () => void this.insight.push(`${proxy.name} closed`),
        }),
        absent: () => undefined,
        withCounters: (_proxy, stored) => stored,
        flush: async () => undefined,
      },
      services: () => ["backend", "redis"],
      instanceId: "cp-1",
      host: "127.0.0.1",
      port: 0,
      bootstrap,
      hds,
    });
    this.port = server.port;
  }

  /** Gives a proxy its picture, now or when it connects. */
  push(name: string, snapshot: Snapshot): void {
    const key = `default.${name}`;
    this.#snapshots.set(key, snapshot);
    for (const onSnapshot of this.#subscribers.get(key) ?? []) onSnapshot(snapshot);
  }

  subscribers(name: string): number {
    return this.#subscribers.get(`default.${name}`)?.size ?? 0;
  }

  /** The control plane got a new server certificate. */
  renew(identity: TlsIdentity): void {
    for (const listener of this.#identityListeners) listener(identity);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scope.close();
    await this.store.close();
    await rm(this.#workDir, { recursive: true, force: true });
  }

  async #open(stream: ProxyStream): Promise<PresenceLease> {
    await this.admit(stream);
    const { definition, proxy } = stream;
    const key = { type: "Dataplane", mesh: proxy.mesh, name: proxy.name };
    let stored = await this.store.get(key);
    if (stored) await stream.authenticate(stored);
    if (definition) stored = await this.store.put(definition);
    if (!stored) throw new MeshError("MM404", `Dataplane ${proxyText(proxy)} does not exist`);
    const lease = new FakeLease(stream, stored);
    this.leases.push(lease);
    return lease;
  }

  #subscribe(proxy: ProxyId, onSnapshot: (snapshot: Snapshot) => void): SnapshotSubscription {
    const key = proxyText(proxy);
    const subscribers = this.#subscribers.get(key) ?? new Set();
    this.#subscribers.set(key, subscribers.add(onSnapshot));
    const snapshot = this.#snapshots.get(key);
    if (snapshot) queueMicrotask(() => subscribers.has(onSnapshot) && onSnapshot(snapshot));
    return {
      acknowledged: (type, revision) => void this.acks.push(`${proxy.name} ${type} ${revision}`),
      [Symbol.dispose]: () => {
        if (subscribers.delete(onSnapshot)) this.acks.push(`${proxy.name} closed`);
      },
    };
  }
}
