import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { ProbeSettings, Workload } from "../../../../core/model/types/dataplane.ts";
import { ApplicationProbes, type ProbeNews } from "../../../../core/sidecar/probes/application-probes.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { until } from "../../../support/until.ts";

const PROBE: ProbeSettings = { interval: 1000, timeout: 2000, healthyThreshold: 1, unhealthyThreshold: 1 };

/** An application on a port of its own that can stop and start listening. */
class App {
  connections = 0;
  port = 0;
  #server: Server | undefined;

  async listen(): Promise<void> {
    const server = createServer((socket) => {
      this.connections++;
      socket.on("error", () => undefined).resume();
    });
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise((resolve) => server.close(resolve));
  }
}

let clock: ManualClock;
let app: App;
let probes: ApplicationProbes;
let news: (ProbeNews | undefined)[];

beforeEach(async () => {
  clock = new ManualClock();
  app = new App();
  await app.listen();
  news = [];
});

afterEach(async () => {
  probes[Symbol.dispose]();
  await app.stop();
});

function start(waitForApp = false): void {
  probes = new ApplicationProbes({ clock, waitForApp });
  probes.onChange((each) => news.push(each));
}

function workload(probe: Partial<ProbeSettings> | null = {}, port = 9000): Workload {
  const where = { port, address: "127.0.0.1", servicePort: app.port };
  return probe ? { ...where, probe: { ...PROBE, ...probe } } : where;
}

const plain = (port: number): Workload => ({ ...workload(null, port), servicePort: port });

/** One more try: time passes, then the connection is made or refused. */
async function next(ms = 1000): Promise<void> {
  await until(() => clock.pending === 1, "the try ended");
  await clock.advance(ms);
  await until(() => clock.pending === 1, "the next one ended");
}

describe("a probed application", () => {
  test("is not ready before its first good probe, then follows the port, and each change counts", async () => {
    await app.stop();
    start();
    probes.follow([workload()]);
    assert.deepEqual(probes.health, { sequence: 1, notReady: [9000], probed: [9000] });
    await next();
    assert.equal(probes.health.sequence, 1, "nothing new");
    await app.listen();
    await next();
    assert.deepEqual(probes.health, { sequence: 2, notReady: [], probed: [9000] });
    assert.deepEqual(probes.waiting, []);
    await app.stop();
    await next();
    assert.deepEqual(probes.health, { sequence: 3, notReady: [9000], probed: [9000] });
    assert.deepEqual(
      news.map((each) => each && [each.ready, each.after]),
      [undefined, [true, 2000], [false, 1000]],
    );
  });

  test("one good probe is enough at the start; later both thresholds are counted in a row", async () => {
    start();
    probes.follow([workload({ healthyThreshold: 3, unhealthyThreshold: 2 })]);
    await until(() => probes.health.notReady.length === 0, "ready at the first probe");
    await app.stop();
    await next();
    assert.deepEqual(probes.health.notReady, [], "one failure of two");
    await app.listen();
    await next();
    await app.stop();
    await next();
    assert.deepEqual(probes.health.notReady, [], "the row was broken");
    await next();
    assert.deepEqual(probes.health.notReady, [9000]);
    await app.listen();
    await next();
    await next();
    assert.deepEqual(probes.health.notReady, [9000], "two of three");
    await next();
    assert.deepEqual(probes.health.notReady, []);
  });

  test("that takes no connection is not ready after the timeout, and only then", async () => {
    await app.stop();
    start();
    // An address that answers nothing: the documentation's own network.
    probes.follow([{ ...workload({ timeout: 100 }), address: "192.0.2.1" }]);
    const started = performance.now();
    await until(() => clock.pending === 1, "the try ended");
    // Without any route the machine says so at once.
    assert.ok(performance.now() - started < 2000);
    assert.deepEqual(probes.health.notReady, [9000]);
  });

  test("is probed in another way without a word when only its probe changed, and anew when it moved", async () => {
    start();
    probes.follow([workload()]);
    await until(() => probes.health.notReady.length === 0, "ready");
    const { sequence } = probes.health;
    probes.follow([workload({ interval: 200 })]);
    assert.deepEqual(probes.health, { sequence, notReady: [], probed: [9000] });
    await next(200);
    await app.stop();
    await next(200);
    assert.deepEqual(probes.health.notReady, [9000]);
    const moved = { ...workload(), servicePort: 1 };
    probes.follow([moved, workload({}, 9001)]);
    assert.deepEqual(probes.health.notReady, [9000, 9001]);
    probes.follow([]);
    assert.deepEqual([probes.health.notReady, probes.health.probed], [[], []]);
    await until(() => clock.pending === 0, "nobody probes any more");
  });

  test("two inbounds of one port are ready when both applications answer", async () => {
    start();
    probes.follow([workload(), { ...workload(), servicePort: 1 }]);
    await until(() => probes.waiting.length === 1, "one answers");
    assert.deepEqual(probes.health, { sequence: 1, notReady: [9000], probed: [9000] });
  });
});

describe("an application without a probe", () => {
  test("is none of our business", async () => {
    start();
    probes.follow([workload(null)]);
    assert.deepEqual(probes.health, { sequence: 0, notReady: [], probed: [] });
    assert.equal(clock.pending, 0);
  });

  test("is waited for once with --wait-for-app, and left alone then", async () => {
    await app.stop();
    start(true);
    probes.follow([workload(null)]);
    await next(250);
    assert.deepEqual(probes.health, { sequence: 1, notReady: [9000], probed: [9000] });
    await app.listen();
    await until(() => clock.pending === 1, "the try ended");
    await clock.advance(250);
    await until(() => probes.health.notReady.length === 0, "ready");
    assert.equal(clock.pending, 0);
    assert.equal(app.connections, 1);
    probes.follow([workload(null)]);
    assert.deepEqual(probes.health.notReady, [], "told the same again");
  });
});

test("while Envoy does nothing no inbound is ready; afterwards the applications decide again", () => {
  start();
  let told = 0;
  probes.onChange((news) => {
    assert.equal(news, undefined, "no application is the reason");
    told++;
  });
  probes.follow([plain(80), plain(81)]);
  assert.deepEqual(probes.health, { sequence: 0, notReady: [], probed: [] });
  const stopped = { text: "Envoy is stopped", serves: false };
  probes.setTrouble(stopped);
  probes.setTrouble({ ...stopped });
  assert.deepEqual(probes.health, { sequence: 1, notReady: [80, 81], probed: [80, 81], trouble: "Envoy is stopped" });
  probes.follow([plain(80), plain(81), plain(82)]);
  assert.deepEqual(probes.health.notReady, [80, 81, 82], "a new inbound neither");
  probes.setTrouble({ text: "Envoy does not answer", serves: true });
  assert.deepEqual(probes.health, { sequence: 3, notReady: [], probed: [], trouble: "Envoy does not answer" });
  probes.setTrouble(undefined);
  assert.deepEqual(probes.health, { sequence: 4, notReady: [], probed: [] });
  assert.equal(told, 4);
});
