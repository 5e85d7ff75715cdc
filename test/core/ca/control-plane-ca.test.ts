import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { secretDraft } from "../../../core/auth/secret-text.ts";
import type { ControlPlaneCa } from "../../../core/ca/control-plane-ca.ts";
import { type ControlPlaneCaOptions, openControlPlaneCa } from "../../../core/ca/open-control-plane-ca.ts";
import { keyPem, publicKeyDigest, readCertificates } from "../../../core/ca/pem.ts";
import { CA_SECRET } from "../../../core/ca/stored-ca.ts";
import { createLogger, type LogSink } from "../../../core/kernel/log.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import type { ResourceStore } from "../../../core/store/resource-store.ts";
import { createMemoryStore } from "../../../plugins/store-memory/memory-store.ts";
import { MovableClock } from "../auth/movable-clock.ts";
import { DAY_MS, makeCa, makeKumaFiles, makeServer, temporaryDirectory } from "./fixtures.ts";

const HOSTS = ["vm-1", "localhost", "127.0.0.1", "::1"];

/** A machine with its directory, its clock and what was logged; the store may be shared. */
class Machine implements AsyncDisposable {
  readonly clock = new MovableClock();
  readonly scope = new Scope("test");
  readonly lines: string[] = [];
  readonly store: ResourceStore;
  readonly #directory = temporaryDirectory();
  hosts = HOSTS;

  constructor(store?: ResourceStore) {
    this.store = store ?? createMemoryStore({ clock: this.clock, retainedChanges: 100 });
  }

  get workDir(): string {
    return this.#directory.path;
  }

  open(more: Partial<ControlPlaneCaOptions> = {}): Promise<ControlPlaneCa> {
    const sink: LogSink = { write: (_level, _event, text) => this.lines.push(text) };
    const { store, workDir, clock, scope } = this;
    const machineHosts = () => this.hosts;
    return openControlPlaneCa({
      store,
      workDir,
      clock,
      scope,
      hosts: [],
      log: createLogger(sink),
      machineHosts,
      ...more,
    });
  }

  file(name: string): string {
    return readFileSync(join(this.workDir, name), "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scope.close();
    this.#directory[Symbol.dispose]();
  }
}

function leafOf(ca: ControlPlaneCa): X509Certificate {
  const [leaf] = readCertificates(ca.identity.chain);
  assert.ok(leaf);
  return leaf;
}

describe("the control plane's CA", () => {
  it("is made once: a second start makes nothing", async () => {
    await using machine = new Machine();
    const first = await machine.open();
    assert.equal(first.origin, "own");
    assert.equal(machine.file("kuma-cp.crt"), first.certificate);
    assert.equal(statSync(join(machine.workDir, "kuma-cp-server.pem")).mode & 0o777, 0o600);
    const written = await machine.store.revision();
    const before = statSync(join(machine.workDir, "kuma-cp-server.pem")).mtimeMs;
    const second = await machine.open();
    assert.deepEqual(second.identity, first.identity);
    assert.deepEqual(second.publicKeyDigests, first.publicKeyDigests);
    assert.equal(await machine.store.revision(), written);
    assert.equal(statSync(join(machine.workDir, "kuma-cp-server.pem")).mtimeMs, before);
  });

  it("covers the machine and the configured names, and says which", async () => {
    await using machine = new Machine();
    const ca = await machine.open({ hosts: ["cp.example", "203.0.113.7", "Bücher.example"] });
    const leaf = leafOf(ca);
    assert.deepEqual(ca.hosts, ["cp.example", "203.0.113.7", "xn--bcher-kva.example", ...HOSTS]);
    assert.ok(leaf.checkHost("cp.example") && leaf.checkHost("localhost") && leaf.checkIP("::1"));
    assert.ok(leaf.checkIssued(new X509Certificate(ca.certificate)));
    await assert.rejects(machine.open({ hosts: ["no good"] }), { code: "MM201", message: /"no good"/ });
  });

  it("finds the names of a real machine", async () => {
    await using machine = new Machine();
    const { store, workDir, clock, scope } = machine;
    const ca = await openControlPlaneCa({
      store,
      workDir,
      clock,
      scope,
      hosts: [],
      log: createLogger({ write: () => {} }),
    });
    assert.ok(ca.hosts.includes("localhost") && ca.hosts.includes("127.0.0.1"), ca.hosts.join());
  });

  it("is the same for control planes that start at once on one store", async () => {
    await using one = new Machine();
    await using two = new Machine(one.store);
    await using three = new Machine(one.store);
    const all = await Promise.all([one.open(), two.open(), three.open()]);
    assert.equal(new Set(all.map((ca) => ca.certificate)).size, 1);
    assert.equal(new Set(all.map((ca) => ca.identity.key)).size, 3, "each has a key of its own");
  });

  it("signs a new leaf when an address is new, when the old one is damaged, and when the CA is another", async () => {
    await using machine = new Machine();
    const first = await machine.open();
    machine.hosts = [...HOSTS, "10.0.0.9"];
    const second = await machine.open();
    assert.notEqual(second.identity.key, first.identity.key);
    assert.deepEqual(second.publicKeyDigests, first.publicKeyDigests);
    machine.hosts = HOSTS;
    assert.equal((await machine.open()).identity.key, second.identity.key, "one name less needs no new one");
    writeFileSync(join(machine.workDir, "kuma-cp-server.pem"), "damaged");
    assert.ok(leafOf(await machine.open()).checkHost("vm-1"));
    await machine.store.delete(CA_SECRET);
    const other = await machine.open();
    assert.notDeepEqual(other.publicKeyDigests, first.publicKeyDigests);
    assert.ok(leafOf(other).verify(new X509Certificate(other.certificate).publicKey));
    assert.equal(machine.file("kuma-cp.crt"), other.certificate);
  });

  it("makes the leaf anew before it runs out, and hands it to the servers", async () => {
    await using machine = new Machine();
    const ca = await machine.open();
    const before = ca.identity;
    const changed: string[] = [];
    using _subscription = ca.onChange((identity) => changed.push(identity.chain));
    for (let day = 0; day < 334; day++) await nextDay(machine);
    assert.deepEqual(changed, [], "31 days before its end it is still good");
    for (let day = 0; day < 3; day++) await nextDay(machine);
    assert.equal(changed.length, 1);
    assert.notEqual(ca.identity.key, before.key);
    assert.equal(ca.identity.chain, changed[0]);
    assert.ok(leafOf(ca).validToDate.getTime() > machine.clock.now() + 360 * DAY_MS);
    await machine.scope.close();
    assert.equal(machine.clock.armed, 0, "the daily look ends with its scope");
  });

  it("gets a new certificate for the same key before it runs out, and when its maker's clock was wrong", async () => {
    for (const days of [8.5 * 365, -3 * 365]) {
      await using machine = new Machine();
      const first = await machine.open();
      machine.clock.advance(days * DAY_MS);
      const later = await machine.open();
      assert.deepEqual(later.publicKeyDigests, first.publicKeyDigests, "tokens stay good");
      const certificate = new X509Certificate(later.certificate);
      assert.ok(certificate.validFromDate.getTime() <= machine.clock.now());
      assert.ok(certificate.validToDate.getTime() > machine.clock.now() + 9 * 365 * DAY_MS);
      assert.ok(leafOf(later).validFromDate.getTime() <= machine.clock.now());
    }
  });

  it("is not guessed when the store's is damaged", async () => {
    await using machine = new Machine();
    for (const text of ["", "no PEM", `${makeCa().certificate}${keyPem(makeCa().key)}`]) {
      await machine.store.put(secretDraft(CA_SECRET, text));
      await assert.rejects(machine.open(), { code: "MM321", message: /monomesh-cp-ca/ });
    }
  });

  it("starts within the time of a second start", async () => {
    await using machine = new Machine();
    await machine.open();
    const start = performance.now();
    for (let round = 0; round < 20; round++) await machine.open();
    const each = (performance.now() - start) / 20;
    assert.ok(each < 50, `${each} ms`);
  });
});

describe("the identity of a real kuma-cp", () => {
  it("is taken over as the CA, and signs for today's addresses", async () => {
    await using machine = new Machine();
    const kuma = makeKumaFiles(machine.workDir);
    const ca = await machine.open();
    assert.equal(ca.certificate, kuma.certificatePem);
    assert.deepEqual(ca.publicKeyDigests, [publicKeyDigest(kuma.certificate.publicKey)]);
    assert.ok(leafOf(ca).checkHost("vm-1"), "old-host is what Kuma's own certificate knows");
    assert.ok(leafOf(ca).verify(kuma.certificate.publicKey));
    assert.equal(machine.file("kuma-cp.crt"), kuma.certificatePem);
    assert.equal(machine.file("kuma-cp.key"), kuma.keyPem);
    await using replica = new Machine(machine.store);
    assert.equal((await replica.open()).certificate, kuma.certificatePem, "other control planes get it from the store");
  });

  it("is left alone when the store has a CA already, and says so", async () => {
    await using machine = new Machine();
    const first = await machine.open();
    const kuma = makeKumaFiles(machine.workDir);
    const second = await machine.open();
    assert.equal(second.certificate, first.certificate);
    assert.equal(machine.file("kuma-cp.crt"), kuma.certificatePem);
    assert.match(machine.lines.join("\n"), /another CA than the one in the store/);
  });

  it("serves as it is when it may not sign", async () => {
    await using machine = new Machine();
    const kuma = makeKumaFiles(machine.workDir, false);
    const ca = await machine.open();
    assert.equal(ca.origin, "given");
    assert.equal(ca.identity.chain, kuma.certificatePem);
  });

  it("is refused when certificate and key do not belong together", async () => {
    await using machine = new Machine();
    makeKumaFiles(machine.workDir);
    writeFileSync(join(machine.workDir, "kuma-cp.key"), keyPem(makeCa().key));
    await assert.rejects(machine.open(), { code: "MM201", message: /kuma-cp\.crt/ });
  });
});

describe("a certificate that the user gives", () => {
  function give(machine: Machine, chain: string, key: string) {
    const given = { certFile: join(machine.workDir, "tls.crt"), keyFile: join(machine.workDir, "tls.key") };
    writeFileSync(given.certFile, chain);
    writeFileSync(given.keyFile, key);
    return given;
  }

  it("is used as it is; tokens vouch for its own key only, since its issuer signs for others too", async () => {
    await using machine = new Machine();
    const corporate = makeCa("corporate");
    const server = makeServer(corporate, { hosts: ["cp.example"] });
    const ca = await machine.open({ given: give(machine, server.chain, server.key) });
    assert.equal(ca.origin, "given");
    assert.deepEqual(ca.identity, { chain: server.chain, key: server.key });
    assert.deepEqual(ca.publicKeyDigests, [publicKeyDigest(server.leaf.publicKey)]);
    assert.equal(ca.certificate, corporate.certificate.toString());
    assert.deepEqual(ca.hosts, ["cp.example"]);
    assert.equal(await machine.store.revision(), 0, "no CA is made");
  });

  it("is taken anew when its files change", async () => {
    await using machine = new Machine();
    const corporate = makeCa("corporate");
    const [old, next] = [makeServer(corporate), makeServer(corporate)];
    const ca = await machine.open({ given: give(machine, old.chain, old.key) });
    const changes: string[] = [];
    using _subscription = ca.onChange((identity) => changes.push(identity.chain));
    give(machine, next.chain, "half written");
    await nextDay(machine);
    assert.equal(ca.identity.chain, old.chain, "a broken file changes nothing");
    assert.match(machine.lines.join("\n"), /could not be looked after/);
    give(machine, next.chain, next.key);
    await nextDay(machine);
    assert.deepEqual(changes, [next.chain]);
  });

  it("that cannot be used is an error that names the file", async () => {
    await using machine = new Machine();
    const [one, two] = [makeServer(makeCa()), makeServer(makeCa())];
    const refusals: [given: () => { certFile: string; keyFile: string }, message: RegExp][] = [
      [() => give(machine, one.chain, two.key), /tls\.key/],
      [() => give(machine, "no PEM", one.key), /tls\.crt/],
      [() => give(machine, one.chain, "no PEM"), /tls\.key/],
      [() => ({ certFile: "/nonexistent/tls.crt", keyFile: "/nonexistent/tls.key" }), /\/nonexistent\/tls\.crt/],
      [() => ({ certFile: "", keyFile: "tls.key" }), /general\.tlsCertFile/],
    ];
    for (const [given, message] of refusals) {
      await assert.rejects(machine.open({ given: given() }), { code: "MM201", message });
    }
  });

  it("that has run out is served with a warning", async () => {
    await using machine = new Machine();
    const old = makeServer(makeCa(), { notAfter: Date.now() - DAY_MS / 2 });
    await machine.open({ given: give(machine, old.chain, old.key) });
    assert.match(machine.lines.join("\n"), /tls\.crt is not valid now/);
  });
});

/** Lets the daily look happen and waits until the next one is armed. */
async function nextDay(machine: Machine): Promise<void> {
  machine.clock.advance(DAY_MS);
  while (machine.clock.armed === 0) await new Promise((resolve) => setImmediate(resolve));
}
