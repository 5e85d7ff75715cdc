import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { ClusterLoadAssignmentSchema } from "#envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "#envoy/config/listener/v3/listener_pb.js";
import { DiscoveryResponseSchema } from "#envoy/service/discovery/v3/discovery_pb.js";
import type { EncodedResource } from "../../../core/envoy/encoded-resource.ts";
import { createLogger, type LogFields } from "../../../core/kernel/log.ts";
import { dataplane, mesh, presence } from "../view/fixtures.ts";
import { bytesOf, fixedDns, TestEngine } from "./fixtures.ts";

function content(resource: EncodedResource | undefined): Uint8Array {
  assert.ok(resource);
  const [any] = fromBinary(DiscoveryResponseSchema, resource.sotwChunk).resources;
  assert.ok(any);
  return any.value;
}

/** `192.168.0.1:80 HEALTHY` of every endpoint. */
function endpointsIn(resource: EncodedResource | undefined): string[] {
  const assignment = fromBinary(ClusterLoadAssignmentSchema, content(resource));
  return assignment.endpoints.flatMap(({ lbEndpoints }) =>
    lbEndpoints.map(({ hostIdentifier, healthStatus }) => {
      const address = hostIdentifier.case === "endpoint" ? hostIdentifier.value.address?.address : undefined;
      assert.equal(address?.case, "socketAddress");
      return `${address.value.address}:${address.value.portSpecifier.value} ${healthStatus === 1 ? "healthy" : "degraded"}`;
    }),
  );
}

const backend = dataplane("backend-1", { address: "192.168.0.2", inbound: [{ service: "backend", protocol: "http" }] });
const web = dataplane("web", { inbound: [{ service: "web" }], outbound: ["backend"] });

test("a proxy is given its listeners, clusters and endpoints", async () => {
  await using mine = new TestEngine();
  const watcher = mine.watch("web");
  await mine.put(mesh("default"), backend, presence("backend-1", "healthy"), web);
  assert.deepEqual(watcher.names("cluster"), ["backend", "localhost:80"]);
  assert.deepEqual(watcher.names("listener"), ["inbound:192.168.0.1:80", "outbound:127.0.0.1:10000"]);
  assert.deepEqual(endpointsIn(watcher.resource("endpoint", "backend")), ["192.168.0.2:80 healthy"]);
  assert.deepEqual([watcher.names("route"), watcher.names("secret")], [[], []]);
});

test("a proxy that subscribes before its Dataplane exists hears nothing until it does", async () => {
  await using mine = new TestEngine();
  const watcher = mine.watch("web");
  await mine.put(backend);
  assert.equal(watcher.snapshots.length, 0);
  const revision = await mine.put(web);
  assert.equal(watcher.last?.revision, revision);
});

test("a change of endpoints replaces one resource and leaves every other map as it is", async () => {
  await using mine = new TestEngine();
  await mine.put(backend, dataplane("web", { outbound: ["backend", "other"] }));
  const watcher = mine.watch("web");
  await mine.engine.settled();
  const before = watcher.last;
  const { built } = mine.engine.stats().resources;
  const revision = await mine.put(presence("backend-1", "healthy"));
  const after = watcher.last;
  assert.ok(before && after);
  assert.equal(after.revision, revision);
  for (const type of ["cluster", "listener", "route", "secret"] as const) {
    assert.equal(after.resources[type], before.resources[type]);
  }
  assert.notEqual(after.resources.endpoint, before.resources.endpoint);
  assert.equal(after.resources.endpoint.get("other"), before.resources.endpoint.get("other"));
  assert.equal(mine.engine.stats().resources.built, built + 1, "only the assignment of the service was built");
  assert.deepEqual(endpointsIn(watcher.resource("endpoint", "backend")), ["192.168.0.2:80 healthy"]);
});

test("a change that concerns somebody else is not heard", async () => {
  await using mine = new TestEngine();
  const watcher = mine.watch("web");
  await mine.put(mesh("default"), backend, web);
  const count = watcher.snapshots.length;
  await mine.put(dataplane("other", { inbound: [{ service: "other" }] }), presence("other", "healthy"));
  await mine.put(dataplane("web", { mesh: "another", outbound: ["x"] }), { ...web }, mesh("default"));
  assert.equal(watcher.snapshots.length, count);
});

test("a service without endpoints is an explicit empty assignment", async () => {
  await using mine = new TestEngine();
  const watcher = mine.watch("web");
  await mine.put(web);
  assert.deepEqual(endpointsIn(watcher.resource("endpoint", "backend")), []);
  await mine.put(backend);
  assert.deepEqual(endpointsIn(watcher.resource("endpoint", "backend")), ["192.168.0.2:80 degraded"]);
  await mine.delete(backend);
  assert.deepEqual(endpointsIn(watcher.resource("endpoint", "backend")), []);
});

test("a new protocol of a service gives its consumers another listener and cluster", async () => {
  await using mine = new TestEngine();
  const watcher = mine.watch("web");
  await mine.put(backend, web);
  const listener = watcher.resource("listener", "outbound:127.0.0.1:10000");
  const cluster = watcher.resource("cluster", "backend");
  await mine.put(dataplane("backend-2", { inbound: [{ service: "backend", protocol: "tcp" }] }));
  assert.notEqual(watcher.resource("listener", "outbound:127.0.0.1:10000")?.version, listener?.version);
  assert.notEqual(watcher.resource("cluster", "backend")?.version, cluster?.version);
});

test("consumers share what they need alike, and it is freed with the last of them", async () => {
  await using mine = new TestEngine();
  await mine.put(
    backend,
    dataplane("a", { address: "10.0.0.1", inbound: [{ service: "a" }], outbound: ["backend"] }),
    dataplane("b", { address: "10.0.0.2", inbound: [{ service: "b" }], outbound: ["backend"] }),
  );
  const [a, b] = [mine.watch("a"), mine.watch("b")];
  await mine.engine.settled();
  assert.equal(a.last?.resources.endpoint, b.last?.resources.endpoint, "the same map");
  assert.equal(a.last?.resources.cluster, b.last?.resources.cluster, "the same map");
  assert.equal(a.resource("listener", "outbound:127.0.0.1:10000"), b.resource("listener", "outbound:127.0.0.1:10000"));
  await mine.put(presence("backend-1", "healthy"));
  assert.equal(a.last?.resources.endpoint, b.last?.resources.endpoint, "the same map after a change");
  const { kept } = mine.engine.stats().resources;
  assert.deepEqual(kept, { cluster: 2, endpoint: 1, secret: 0, listener: 3, route: 0 });
  a[Symbol.dispose]();
  assert.deepEqual(mine.engine.stats().resources.kept, { ...kept, listener: 2 });
  b[Symbol.dispose]();
  assert.deepEqual(mine.engine.stats().resources.kept, { cluster: 0, endpoint: 0, secret: 0, listener: 0, route: 0 });
  assert.deepEqual([mine.engine.stats().sets, mine.engine.stats().proxies], [0, 0]);
});

test("resources that a new definition no longer needs are freed", async () => {
  await using mine = new TestEngine();
  const watcher = mine.watch("web");
  await mine.put(dataplane("web", { outbound: ["a", "b", "c"] }));
  await mine.put(dataplane("web", { outbound: ["b"] }));
  assert.deepEqual(watcher.names("endpoint"), ["b"]);
  assert.deepEqual(mine.engine.stats().resources.kept, { cluster: 1, endpoint: 1, secret: 0, listener: 1, route: 0 });
});

test("meshes with services of the same name do not mix", async () => {
  await using mine = new TestEngine();
  await mine.put(backend, web, dataplane("web", { mesh: "other", outbound: ["backend"] }));
  const [here, there] = [mine.watch("web"), mine.watch("web", {}, "other")];
  await mine.engine.settled();
  assert.deepEqual(endpointsIn(here.resource("endpoint", "backend")), ["192.168.0.2:80 degraded"]);
  assert.deepEqual(endpointsIn(there.resource("endpoint", "backend")), []);
  assert.equal(there.names("cluster").length, 1);
});

test("a proxy whose Dataplane is gone keeps what it has", async () => {
  await using mine = new TestEngine();
  const watcher = mine.watch("web");
  await mine.put(backend, web);
  const { length } = watcher.snapshots;
  await mine.delete(web);
  assert.equal(watcher.snapshots.length, length);
  await mine.put(dataplane("web", { outbound: ["backend", "more"] }));
  assert.deepEqual(watcher.names("cluster"), ["backend", "more"]);
});

test("a late stream of a proxy is given the present snapshot, and only it", async () => {
  await using mine = new TestEngine();
  const first = mine.watch("web");
  await mine.put(web);
  const second = mine.watch("web");
  assert.equal(second.last, undefined, "never in the same turn");
  await mine.engine.settled();
  assert.equal(second.last, first.last);
  assert.deepEqual([first.snapshots.length, second.snapshots.length], [1, 1]);
  first[Symbol.dispose]();
  await mine.put(dataplane("web", { outbound: ["x"] }));
  assert.deepEqual([first.snapshots.length, second.snapshots.length], [1, 2]);
});

test("atLeast: the first snapshot waits for the revision, the old definition is never sent", async () => {
  await using mine = new TestEngine();
  const revision = await mine.put(web);
  const waiting = mine.watch("web", { atLeast: revision + 2 });
  const same = mine.watch("web", { atLeast: revision });
  await mine.engine.settled();
  assert.equal(waiting.last, undefined);
  assert.equal(same.snapshots.length, 1);
  await mine.put(backend);
  assert.equal(waiting.last, undefined);
  await mine.put(mesh("a mesh that nobody knows"));
  assert.equal(waiting.snapshots.length, 1);
});

test("the feature of shared ports reaches the listeners", async () => {
  await using mine = new TestEngine();
  await mine.put(web);
  const watcher = mine.watch("web", { features: ["feature-reuse-port"] });
  await mine.engine.settled();
  const listener = fromBinary(ListenerSchema, content(watcher.resource("listener", "inbound:192.168.0.1:80")));
  assert.equal(listener.enableReusePort, true);
});

test("a Dataplane at a DNS name is served once its address is known", async () => {
  await using mine = new TestEngine({ resolve: fixedDns({ "web.example": "10.9.8.7" }) });
  const [found, missing] = [mine.watch("web"), mine.watch("lost")];
  await mine.put(
    dataplane("web", { address: "web.example", inbound: [{ service: "web" }], outbound: ["web"] }),
    dataplane("lost", { address: "lost.example", inbound: [{ service: "web" }], outbound: ["web"] }),
  );
  await mine.engine.settled();
  assert.equal(missing.last, undefined, "half a configuration would look like a whole one");
  assert.deepEqual(found.names("listener"), ["inbound:10.9.8.7:80", "outbound:127.0.0.1:10000"]);
  assert.deepEqual(endpointsIn(found.resource("endpoint", "web")), ["10.9.8.7:80 degraded"]);
  assert.equal(mine.engine.stats().hosts, 2);
});

test("a subscriber that throws harms nobody else", async () => {
  const lines: [string, LogFields][] = [];
  const log = createLogger({ write: (_level, event, _text, fields) => lines.push([event, fields]) });
  await using mine = new TestEngine({ log });
  mine.engine.subscribe({ mesh: "default", name: "bad" }, () => {
    throw new Error("broken");
  });
  const watcher = mine.watch("web");
  await mine.put(dataplane("bad"), web);
  assert.equal(watcher.snapshots.length, 1);
  assert.equal(lines[0]?.[0], "push-failed");
  assert.equal(lines[0]?.[1]["proxy"], "default.bad");
});

test("equal pictures give equal bytes, however they came about", async () => {
  const drafts = [backend, web, presence("backend-1", "healthy"), mesh("default")];
  const pictures = [];
  for (const order of [drafts, drafts.toReversed()]) {
    await using mine = new TestEngine();
    const watcher = mine.watch("web");
    await mine.put(...order);
    pictures.push(bytesOf(watcher.last));
  }
  assert.ok(Object.keys(pictures[0] ?? {}).length > 5);
  assert.deepEqual(pictures[0], pictures[1]);
});

test("nothing is left when the scope closes: no timer, no listener", async () => {
  const mine = new TestEngine({ resolve: fixedDns({ "web.example": "10.9.8.7" }) });
  mine.watch("web");
  await mine.put(dataplane("web", { address: "web.example" }));
  await mine[Symbol.asyncDispose]();
  assert.deepEqual(
    process.getActiveResourcesInfo().filter((kind) => kind === "Timeout"),
    [],
  );
});
