import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createMessageSplitter, frameMessage } from "../../../../core/grpc/framing.ts";
import { systemClock } from "../../../../core/kernel/clock.ts";
import { Scope } from "../../../../core/kernel/scope.ts";
import { HEALTH_METHOD } from "../../../../core/model/dataplane/sidecar-health.ts";
import { ApplicationProbes } from "../../../../core/sidecar/probes/application-probes.ts";
import { ControlPlaneSession, SESSION_TIMES } from "../../../../core/sidecar/relay/control-plane-session.ts";
import { HealthChannel } from "../../../../core/sidecar/relay/health-channel.ts";
import { until } from "../../../support/until.ts";
import { endCall, type OpenedCall, TEST_CERT, TlsControlPlane } from "../tls-control-plane.ts";

let scope: Scope;
let plane: TlsControlPlane;
let probes: ApplicationProbes;
let upstream: ControlPlaneSession;

beforeEach(async () => {
  scope = new Scope("health-channel-test");
  plane = new TlsControlPlane();
  await plane.listen();
  upstream = new ControlPlaneSession({
    target: async () => ({ authority: plane.authority, tls: { ca: TEST_CERT } }),
    clock: systemClock,
    scope,
    credential: async () => "token",
    onUp: () => undefined,
    onDown: () => undefined,
    times: { ...SESSION_TIMES, minBackoff: 20, maxBackoff: 50 },
  });
});

function open(indirect = true): void {
  probes = new ApplicationProbes({ clock: systemClock, waitForApp: false, indirect });
  new HealthChannel({ upstream, node: "default.redis-1", incarnation: "i-1", probes, clock: systemClock, scope });
}

afterEach(async () => {
  probes[Symbol.dispose]();
  await scope.close();
  await plane[Symbol.asyncDispose]();
});

function messagesOf(call: OpenedCall): unknown[] {
  const found: unknown[] = [];
  createMessageSplitter((message) => found.push(JSON.parse(message.toString()))).push(Buffer.concat(call.received));
  return found;
}

/** Nobody listens there. */
const silent = { port: 9000, address: "127.0.0.1", servicePort: 1 };
const PROBE = { interval: 60_000, timeout: 1000, healthyThreshold: 1, unhealthyThreshold: 1 };

describe("the health channel", () => {
  test("says who it is and what is known, then each change; probes what it is told to", async () => {
    open();
    const call = await plane.opened(1);
    assert.equal(call.headers[":path"], HEALTH_METHOD);
    assert.equal(call.headers["authorization"], "token");
    call.stream.write(frameMessage(JSON.stringify({ workloads: [{ ...silent, probe: PROBE }] })));
    await until(() => messagesOf(call).length === 2, "the change");
    assert.deepEqual(messagesOf(call), [
      { node: "default.redis-1", incarnation: "i-1", sequence: 1, notReady: [], probed: [] },
      { sequence: 2, notReady: [9000], probed: [9000] },
    ]);
  });

  test("begins with the present state after a lost connection", async () => {
    open();
    await plane.opened(1);
    await plane.kill();
    probes.follow([{ ...silent, probe: PROBE }]);
    await plane.listen();
    const again = await plane.opened(2);
    await until(() => messagesOf(again).length === 1, "the state");
    assert.deepEqual((messagesOf(again)[0] as { notReady: unknown }).notReady, [9000]);
  });

  test("comes back after a refusal, but not at once", async () => {
    open();
    plane.onCall = () => undefined;
    const started = performance.now();
    endCall(await plane.opened(1), 2, "the token is for web (MM311)");
    endCall(await plane.opened(2), 14, "not now");
    await plane.opened(3);
    assert.ok(performance.now() - started > 1400, "half a second, then a whole one");
  });

  test("does not ask a control plane again that does not know the stream, until there is another", async () => {
    open();
    plane.onCall = () => undefined;
    endCall(await plane.opened(1), 12, "unknown method");
    await sleep(700);
    assert.equal(plane.calls.length, 1);
    await plane.kill();
    await plane.listen();
    await plane.opened(2);
  });

  test("is opened only when there is something to say, if the sidecar brought its own definition", async () => {
    open(false);
    await until(() => upstream.available, "the connection");
    await sleep(100);
    assert.equal(plane.calls.length, 0);
    probes.follow([{ ...silent, probe: PROBE }]);
    const call = await plane.opened(1);
    await until(() => messagesOf(call).length === 1, "the first word");
    assert.deepEqual((messagesOf(call)[0] as { notReady: unknown }).notReady, [9000]);
  });
});
