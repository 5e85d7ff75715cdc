import assert from "node:assert/strict";
import type { SidecarHealth } from "../../../core/model/dataplane/sidecar-health.ts";
import { FragileWorld } from "./fragile-world.ts";
import { HealthModel } from "./health-model.ts";
import { checkAbsence, checkHolder, checkShape, type Known, type LiveJoin, SETTINGS } from "./sequence-invariants.ts";
import { type ControlPlane, definitionOf, Join, MINUTE, SECOND, Stream, YEAR } from "./world.ts";

const STEPS = [100, SECOND, 3 * SECOND, 20 * SECOND, 70 * SECOND, 6 * MINUTE, 13 * MINUTE];

/** A small generator with a known sequence for each seed. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below;
  };
}

/**
 * Does `length` random things to two control planes over one store and checks after each what must always hold. Rejects
 * with what was violated and everything that was done.
 */
export async function runRandomSequence(seed: number, length = 30): Promise<void> {
  const sequence = new Sequence(seed);
  try {
    await sequence.run(length);
  } catch (error) {
    const history = sequence.history.join("\n  ");
    throw new Error(`seed ${seed}: ${(error as Error).message}\n  ${history}`, { cause: error });
  }
}

class Sequence {
  readonly history: string[] = [];
  readonly #random: (below: number) => number;
  readonly #world = new FragileWorld();
  readonly #controlPlanes: (ControlPlane | undefined)[] = [undefined, undefined];
  readonly #known: Known[];
  #joins: LiveJoin[] = [];
  /** Milliseconds during which some control plane was up. */
  #observed = 0;

  constructor(seed: number) {
    this.#random = randomOf(seed);
    this.#known = [9000, 9001, 9002, 9000].map((port, at) => ({
      name: `p${at}`,
      port,
      direct: at !== 2,
      stock: at === 1,
      health: new HealthModel(port),
      incarnations: 0,
      held: [],
      leaving: new Set<string>(),
      gone: new Set<string>(),
      departed: new Set<string>(),
      byUser: false,
      lastSeen: undefined,
      crashes: 0,
      before: undefined,
      createdAt: undefined,
      holder: undefined,
    }));
  }

  async run(length: number): Promise<void> {
    await this.#world.meshes();
    await this.#start(0);
    for (let at = 0; at < length; at++) {
      if (this.#random(10) < 3) await this.#several();
      else await this.#one();
    }
    await this.#finish();
  }

  async #one(): Promise<void> {
    const did = await this.#step(false);
    await this.#world.clock.settle();
    this.history.push(did);
    await this.#check(did);
  }

  /** A few things at the same time. Those at a control plane that dies with them may never finish. */
  async #several(): Promise<void> {
    const failures: unknown[] = [];
    this.#world.jitter = () => this.#random(12);
    const begun = this.history.push("at the same time:");
    for (let at = 0; at < 2 + this.#random(3); at++) {
      this.#step(true).then(
        (did) => this.history.splice(begun, 0, `  ${did}`),
        (error: unknown) => failures.push(error),
      );
    }
    await this.#world.clock.settle();
    this.#world.jitter = () => 0;
    await this.#world.clock.settle();
    if (failures.length > 0) throw failures[0];
    await this.#check("several things");
  }

  async #step(together: boolean): Promise<string> {
    const known = this.#pick(this.#known);
    const controlPlane = this.#pick(this.#controlPlanes.filter((each) => each !== undefined));
    const live = this.#pick(this.#joins);
    const dice = this.#random(100);
    if (!controlPlane && !together && dice < 50) return this.#startAny();
    if (dice < 24 && controlPlane && known)
      return this.#open(controlPlane, known, `${known.name}-${++known.incarnations}`);
    if (dice < 34 && controlPlane && known && known.incarnations > 0) {
      return this.#open(controlPlane, known, `${known.name}-${1 + Math.floor(this.#random(known.incarnations))}`);
    }
    if (dice < 43 && live) return this.#close(live);
    if (dice < 48 && live && controlPlane) return this.#report(controlPlane, live);
    if (dice < 53 && live && controlPlane) return this.#leave(controlPlane, live);
    if (dice < 59 && live && controlPlane) return this.#left(controlPlane, live, together);
    if (dice < 62) return this.#end("crash");
    if (dice >= 76 && dice < 80 && known) return this.#userPut(known);
    if (dice >= 80 && dice < 82 && known) return this.#userDelete(known);
    if (together) return "nothing";
    if (dice < 65) return this.#end("stop");
    if (dice < 73) return this.#startAny();
    if (dice < 74.5) return this.#jump();
    if (dice < 76 && controlPlane) return this.#withoutWrites();
    return this.#advance(this.#pick(STEPS) ?? SECOND);
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random(from.length))];
  }

  async #open(controlPlane: ControlPlane, known: Known, incarnation: string): Promise<string> {
    const definition = known.direct ? definitionOf(known.name, known.port) : undefined;
    const stream = new Stream(known.name, incarnation, definition, `${incarnation}:40000`);
    if (!known.stock) stream.health = known.health.newest(incarnation);
    const join = new Join(controlPlane, stream);
    await this.#world.clock.settle();
    if (join.error) {
      const { code } = join.error as Error & { code?: string };
      const allowed = [
        "MM700",
        "MM710",
        ...(known.direct ? [] : ["MM404"]),
        ...(this.#world.readOnly ? ["MM503"] : []),
      ];
      assert.ok(allowed.includes(code ?? ""), `refused for no reason: ${join.error.message}`);
      const newer = /newer stream/.test(join.error.message);
      if (code === "MM700") assert.ok(newer || known.departed.has(incarnation), join.error.message);
    } else {
      this.#joins.push({ known, join, controlPlane });
      // As a sidecar's health stream, which opens beside this one, does.
      if (!known.stock) await this.#say(controlPlane, known, join, known.health.newest(incarnation));
    }
    return `open ${incarnation} at ${controlPlane.instance}: ${join.state} ${join.error?.message ?? ""}`;
  }

  #close({ join, known, controlPlane }: LiveJoin): string {
    join.close();
    this.#joins = this.#joins.filter((each) => each.join !== join);
    return `close ${join.stream.incarnation} of ${known.name} at ${controlPlane.instance}`;
  }

  /** A change at the application, sometimes late; a stock sidecar begins or stops to drain. */
  async #report(anywhere: ControlPlane, { join, known, controlPlane: here }: LiveJoin): Promise<string> {
    const { proxy, incarnation } = join.stream;
    const late = !known.stock && this.#random(4) < 1;
    // The streams of a sidecar run on one connection; what is late may come by another.
    const controlPlane = late ? anywhere : here;
    const where = `${incarnation} at ${controlPlane.instance}`;
    if (known.stock) {
      const draining = this.#random(2) < 1;
      // If its stream ends now, it has left.
      if (draining) known.departed.add(incarnation);
      await controlPlane.presence.report(proxy, incarnation, { notReady: [], probed: [known.port], draining });
      return `${draining ? "draining" : "not draining"}, says ${where}`;
    }
    const report = late ? known.health.oldest(incarnation) : known.health.say(incarnation);
    const effective = await this.#say(controlPlane, known, join, report);
    return `report ${report.sequence} of ${where}: ${effective}`;
  }

  async #say(controlPlane: ControlPlane, known: Known, join: Join, report: SidecarHealth): Promise<boolean> {
    const { proxy, incarnation } = join.stream;
    const reported = controlPlane.presence.report(proxy, incarnation, report);
    const effective = await (this.#world.readOnly ? reported.catch(() => false) : reported);
    if (effective) known.health.tookEffect(incarnation, report);
    return effective;
  }

  async #leave(controlPlane: ControlPlane, { join, known }: LiveJoin): Promise<string> {
    const { proxy, incarnation } = join.stream;
    known.departed.add(incarnation);
    await controlPlane.presence.leave(proxy, incarnation);
    const record = await this.#world.record(known.name);
    if (record?.incarnation === incarnation && record.leave === "requested") known.leaving.add(incarnation);
    return `leave ${incarnation} at ${controlPlane.instance}`;
  }

  async #left(controlPlane: ControlPlane, { join, known }: LiveJoin, together: boolean): Promise<string> {
    const { proxy, incarnation } = join.stream;
    const before = await this.#world.record(known.name);
    known.departed.add(incarnation);
    await controlPlane.presence.left(proxy, incarnation);
    if (before?.incarnation === incarnation && !together) {
      known.gone.add(incarnation);
      const owned = known.direct && before.ownsDataplane;
      const after = await this.#world.record(known.name);
      if (owned) assert.notEqual(after?.incarnation, incarnation, "an owned Dataplane goes with its sidecar");
      else assert.equal(after?.state, "left", "one that is not owned stays");
    }
    return `left ${incarnation} at ${controlPlane.instance}`;
  }

  async #end(how: "crash" | "stop"): Promise<string> {
    const at = Math.floor(this.#random(2));
    const controlPlane = this.#controlPlanes[at];
    if (!controlPlane) return "nothing";
    this.#controlPlanes[at] = undefined;
    if (how === "stop") await controlPlane.presence.stop();
    else await controlPlane.crash();
    for (const { join } of this.#joins.filter((each) => each.controlPlane === controlPlane)) join.close("gone");
    this.#joins = this.#joins.filter((each) => each.controlPlane !== controlPlane);
    await controlPlane.stop();
    if (how === "crash") for (const known of this.#known) known.crashes++;
    return `${how} ${controlPlane.instance}`;
  }

  async #startAny(): Promise<string> {
    const at = this.#controlPlanes.indexOf(undefined);
    return at < 0 ? "nothing" : this.#start(at);
  }

  async #start(at: number): Promise<string> {
    // Who left is remembered by the record, and without one by the control planes that saw it; a new one did not.
    for (const known of this.#known) {
      const record = await this.#world.record(known.name);
      for (const set of [known.leaving, known.gone]) {
        for (const each of set) {
          if (record?.incarnation !== each && !record?.departed?.includes(each)) set.delete(each);
        }
      }
    }
    const controlPlane = await this.#world.controlPlane(SETTINGS);
    this.#controlPlanes[at] = controlPlane;
    return `start ${controlPlane.instance}`;
  }

  /** The store takes no writes for a while; streams open and end meanwhile. */
  async #withoutWrites(): Promise<string> {
    const did: string[] = [];
    this.#world.readOnly = true;
    for (let at = 0; at < 3; at++) {
      const known = this.#pick(this.#known);
      const controlPlane = this.#pick(this.#controlPlanes.filter((each) => each !== undefined));
      const live = this.#pick(this.#joins);
      const dice = this.#random(10);
      if (dice < 4 && known && controlPlane) {
        const incarnation = dice < 2 || known.incarnations === 0 ? ++known.incarnations : known.incarnations;
        did.push(await this.#open(controlPlane, known, `${known.name}-${incarnation}`));
      } else if (dice < 7 && live) did.push(this.#close(live));
      else did.push(await this.#advance(this.#pick([SECOND, 20 * SECOND]) ?? SECOND));
    }
    this.#world.readOnly = false;
    for (const known of this.#known) {
      // Heartbeats were missed, and everybody gets a new grace.
      known.crashes += 2;
      // A place may have changed hands several times without a record.
      known.holder = undefined;
    }
    did.push(await this.#advance(5 * SECOND));
    return `without writes: ${did.join("; ")}`;
  }

  #jump(): string {
    const years = this.#random(2) < 1 ? 50 : -50;
    this.#world.clock.jump(years * YEAR);
    return `jump ${years} years`;
  }

  async #userPut(known: Known): Promise<string> {
    if (await this.#world.dataplane(known.name)) return "nothing";
    await this.#world.store.put(definitionOf(known.name, known.port));
    known.byUser = true;
    return `user makes ${known.name}`;
  }

  async #userDelete(known: Known): Promise<string> {
    if (!(await this.#world.dataplane(known.name))) return "nothing";
    // Somebody else may be faster.
    await this.#world.store.delete({ type: "Dataplane", mesh: "default", name: known.name }).catch(() => undefined);
    known.byUser = false;
    known.lastSeen = undefined;
    known.before = undefined;
    return `user deletes ${known.name}`;
  }

  async #advance(ms: number): Promise<string> {
    await this.#world.clock.advance(ms);
    if (this.#controlPlanes.some((each) => each !== undefined)) this.#observed += ms;
    return `advance ${ms / SECOND} s`;
  }

  async #check(did: string): Promise<void> {
    // Streams that the control plane ended are no streams any more.
    this.#joins = this.#joins.filter(({ join, controlPlane }) => {
      if (!this.#controlPlanes.includes(controlPlane)) join.close("gone");
      return this.#controlPlanes.includes(controlPlane) && join.stream.endedBecause === undefined && !join.error;
    });
    const connected: number[] = [];
    const instances = this.#controlPlanes.flatMap((each) => each?.instance ?? []);
    for (const known of this.#known) {
      const record = await this.#world.record(known.name);
      const dataplane = await this.#world.dataplane(known.name);
      // Made anew meanwhile: the record knows nothing of those before, except whom it displaced itself.
      if (known.createdAt !== dataplane?.revision && dataplane?.version === 1) known.held = [];
      if (dataplane?.version === 1) known.createdAt = dataplane.revision;
      const joins = this.#joins.filter((each) => each.known === known);
      checkShape(known, record, dataplane !== undefined);
      checkHolder(known, record, joins, { observed: this.#observed, instances });
      checkAbsence(known, record, dataplane !== undefined, did, this.#observed);
      if (record?.state === "connected") connected.push(known.port);
      if (!dataplane) {
        known.byUser = false;
        known.lastSeen = undefined;
      }
      known.before = record;
      known.holder = joins.find(({ join }) => join.state === "active")?.join;
    }
    assert.equal(new Set(connected).size, connected.length, "two connected proxies have one address");
  }

  /** When everything ends, the parked get their turn, then the absent are collected, then nothing is left running. */
  async #finish(): Promise<void> {
    if (this.#controlPlanes.every((each) => each === undefined)) await this.#start(0);
    for (const live of this.#joins.filter(({ join }) => join.state === "active")) this.#close(live);
    await this.#advance(3 * SECOND);
    await this.#check("the parked get their turn");
    const waiting = await this.#waitingForFree();
    // The holder of some may have been found to be lost just now.
    await this.#advance(3 * SECOND);
    await this.#check("these get theirs too");
    const still = new Set(await this.#waitingForFree());
    for (const name of waiting) assert.ok(!still.has(name), `${name} waits for a free place`);
    for (const live of [...this.#joins]) this.#close(live);
    await this.#advance(SETTINGS.cleanupAgeMs + SETTINGS.graceMs + 2 * MINUTE);
    for (const known of this.#known) {
      assert.equal(await this.#world.record(known.name), undefined, `the record of ${known.name} stays for ever`);
      const exists = (await this.#world.dataplane(known.name)) !== undefined;
      assert.equal(exists, known.byUser && known.lastSeen === undefined, `the Dataplane ${known.name}: ${exists}`);
    }
    for (const each of this.#controlPlanes) await each?.stop();
    assert.equal(this.#world.clock.pending, 0, "timers are left");
  }

  /** Proxies whose place nobody has, though there are streams that want it. */
  async #waitingForFree(): Promise<string[]> {
    const wanted = this.#joins
      .filter(
        ({ join, known }) =>
          (join.state === "parked" || join.state === "waiting") && !known.departed.has(join.stream.incarnation),
      )
      .map(({ known }) => known.name);
    const found: string[] = [];
    for (const name of new Set(wanted)) {
      const record = await this.#world.record(name);
      if (!record || ["lost", "offline", "left"].includes(record.state)) found.push(name);
    }
    return found;
  }
}
