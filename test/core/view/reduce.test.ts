import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import type { Inbound } from "../../../core/model/types/dataplane.ts";
import { createMeshView, type Dirt, isEmpty, type MeshView } from "../../../core/view/mesh-view.ts";
import { reduce, reduceAddress } from "../../../core/view/reduce.ts";
import { Changes, dataplane, mesh, presence } from "./fixtures.ts";

/** A view and the changes that made it. */
function openView(...drafts: ResourceDraft[]) {
  const changes = new Changes();
  const view = createMeshView("default");
  const put = (draft: ResourceDraft) => words(reduce(view, changes.put(draft)));
  const remove = (draft: ResourceDraft) => words(reduce(view, changes.delete(draft)));
  for (const draft of drafts) put(draft);
  return { view, changes, put, remove };
}

/** `endpoints backend`, or `endpoints backend lost`, sorted. */
function words(dirt: readonly Dirt[]): string[] {
  const wordsOf = (each: Dirt) =>
    Object.entries(each).flatMap(([name, value]) => (name !== "lost" ? value : value ? name : []));
  return dirt.map((each) => wordsOf(each).join(" ")).sort();
}

function endpoints(view: MeshView, service: string): string[] {
  const list = view.services.get(service)?.endpoints ?? [];
  return list.map(({ proxy, address, port, health }) => `${proxy} ${address}:${port} ${health}`);
}

const backend = dataplane("backend-1", { inbound: [{ service: "backend", protocol: "http" }] });

test("a new provider dirties itself, its service's endpoints and their protocol, and nothing else", () => {
  const { view, put } = openView(mesh("default"));
  assert.deepEqual(put(backend), ["endpoints backend", "protocol backend", "proxy backend-1"]);
  assert.deepEqual(endpoints(view, "backend"), ["backend-1 192.168.0.1:80 degraded"]);
});

test("one more instance of the same kind changes endpoints but no protocol", () => {
  const { put } = openView(backend);
  const second = dataplane("backend-2", {
    address: "192.168.0.2",
    inbound: [{ service: "backend", protocol: "http" }],
  });
  assert.deepEqual(put(second), ["endpoints backend", "proxy backend-2"]);
});

test("the same definition again dirties nothing", () => {
  const { put } = openView(backend, presence("backend-1", "healthy"));
  assert.deepEqual(put(backend), []);
  assert.deepEqual(put(presence("backend-1", "healthy")), []);
});

test("presence decides about health and dirties endpoints only", () => {
  const { view, put, remove } = openView(backend);
  assert.deepEqual(put(presence("backend-1", "healthy")), ["endpoints backend"]);
  assert.deepEqual(endpoints(view, "backend"), ["backend-1 192.168.0.1:80 healthy"]);
  assert.deepEqual(put(presence("backend-1", "degraded")), ["endpoints backend lost"]);
  assert.deepEqual(endpoints(view, "backend"), ["backend-1 192.168.0.1:80 degraded"]);
  assert.deepEqual(put(presence("backend-1", "withdrawn")), ["endpoints backend"]);
  assert.deepEqual(endpoints(view, "backend"), []);
  assert.deepEqual(remove(presence("backend-1", "withdrawn")), ["endpoints backend"]);
  assert.deepEqual(endpoints(view, "backend"), ["backend-1 192.168.0.1:80 degraded"]);
});

test("a healthy endpoint that leaves, moves or has to wait is lost; all else can wait", () => {
  const moved = dataplane("backend-1", { address: "192.168.0.9", inbound: [{ service: "backend", protocol: "http" }] });
  const healthy = presence("backend-1", "healthy");
  for (const worse of [
    presence("backend-1", "withdrawn"),
    presence("backend-1", "healthy", { notReady: [80] }),
    moved,
  ]) {
    const { put } = openView(backend, healthy);
    assert.ok(put(worse).includes("endpoints backend lost"), JSON.stringify(worse.spec));
  }
  const other = openView(backend, healthy);
  const second = dataplane("backend-2", {
    address: "192.168.0.2",
    inbound: [{ service: "backend", protocol: "http" }],
  });
  assert.ok(other.put(second).includes("endpoints backend"));
  assert.deepEqual(other.put(presence("backend-2", "healthy")), ["endpoints backend"]);
  assert.ok(other.remove(backend).includes("endpoints backend lost"));
});

test("inbounds that are not ready, or have no service, get no traffic", () => {
  const cases: [Partial<Inbound>, boolean][] = [
    [{}, true],
    [{ health: { ready: true } }, true],
    [{ health: {} }, false],
    [{ health: { ready: false } }, false],
    [{ state: "Ready" }, true],
    [{ state: "NotReady" }, false],
    [{ state: "Ignored" }, false],
  ];
  for (const [inbound, takes] of cases) {
    const { view } = openView(dataplane("a", { inbound: [{ service: "a", ...inbound }] }));
    assert.equal(endpoints(view, "a").length, takes ? 1 : 0, JSON.stringify(inbound));
  }
  const { view, put } = openView(dataplane("a", { inbound: [{ service: "a" }, { service: "b", port: 81 }] }));
  assert.deepEqual(put(presence("a", "healthy", { notReady: [80] })), ["endpoints a", "endpoints b"]);
  assert.deepEqual([endpoints(view, "a"), endpoints(view, "b")], [[], ["a 192.168.0.1:81 healthy"]]);
  assert.equal(openView(dataplane("a", { inbound: [{ port: 80 }] })).view.services.size, 0);
});

test("readiness does not change the protocol of a service", () => {
  const { view, put } = openView(backend);
  const unready = dataplane("backend-1", { inbound: [{ service: "backend", protocol: "http", health: {} }] });
  assert.deepEqual(put(unready), ["endpoints backend", "proxy backend-1"]);
  assert.equal(view.services.get("backend")?.protocol, "http");
});

test("the address of an endpoint: advertised, else the inbound's, else the Dataplane's", () => {
  const inbound = [{ service: "a", address: "10.0.0.1" }];
  assert.deepEqual(endpoints(openView(dataplane("a", { inbound })).view, "a"), ["a 10.0.0.1:80 degraded"]);
  const advertised = dataplane("a", { inbound, advertisedAddress: "172.16.0.1" });
  assert.deepEqual(endpoints(openView(advertised).view, "a"), ["a 172.16.0.1:80 degraded"]);
});

test("endpoints stand sorted by zone, proxy and inbound, whatever the order of changes", () => {
  const drafts = ["c", "a", "b"].map((name) =>
    dataplane(name, {
      inbound: [
        { service: "s", port: 2, tags: { "kuma.io/zone": name === "a" ? "z" : "y" } },
        { service: "s", port: 1, tags: { "kuma.io/zone": name === "a" ? "z" : "y" } },
      ],
    }),
  );
  for (const order of [drafts, drafts.toReversed()]) {
    const list = openView(...order).view.services.get("s")?.endpoints ?? [];
    assert.deepEqual(
      list.map(({ proxy, port }) => `${proxy}${port}`),
      ["b2", "b1", "c2", "c1", "a2", "a1"],
    );
  }
});

test("endpoints that did not change keep their identity", () => {
  const { view, put } = openView(dataplane("a", { inbound: [{ service: "a" }, { service: "b", port: 81 }] }));
  const [before] = view.services.get("a")?.endpoints ?? [];
  assert.deepEqual(put(dataplane("a", { inbound: [{ service: "a" }, { service: "b", port: 82 }] })), [
    "endpoints b",
    "proxy a",
  ]);
  assert.ok(before);
  assert.equal(view.services.get("a")?.endpoints[0], before);
});

test("labels are part of endpoints, and policies select proxies by them", () => {
  const { put } = openView(backend);
  assert.deepEqual(put({ ...backend, labels: { team: "x" } }).sort(), ["endpoints backend", "proxy backend-1"]);
});

test("a consumer is found by its outbounds", () => {
  const { view, put } = openView(backend);
  assert.deepEqual(put(dataplane("web", { outbound: ["backend", "backend", "other"] })), ["proxy web"]);
  assert.deepEqual([...(view.services.get("backend")?.consumers ?? [])], ["web"]);
  assert.deepEqual(put(dataplane("web", { outbound: ["other"] })), ["proxy web"]);
  assert.deepEqual([...(view.services.get("backend")?.consumers ?? [])], []);
  assert.deepEqual([...(view.services.get("other")?.consumers ?? [])], ["web"]);
});

test("when the last provider goes, the service is empty and tcp, and still there for its consumers", () => {
  const { view, remove } = openView(backend, dataplane("web", { outbound: ["backend"] }));
  assert.deepEqual(remove(backend), ["endpoints backend", "protocol backend", "proxy backend-1"]);
  assert.deepEqual(endpoints(view, "backend"), []);
  assert.equal(view.services.get("backend")?.protocol, "tcp");
});

test("nothing is left of what was deleted", () => {
  const web = dataplane("web", { address: "web.example", outbound: ["backend"] });
  const { view, remove } = openView(mesh("default"), backend, presence("backend-1", "healthy"), web);
  remove(presence("backend-1", "healthy"));
  remove(backend);
  assert.deepEqual(remove(web), ["host web.example", "proxy web"]);
  assert.deepEqual(remove(mesh("default")), ["mesh"]);
  assert.ok(isEmpty(view));
  assert.deepEqual([view.services.size, view.hosts.size, view.addresses.size], [0, 0, 0]);
});

test("a change of the mesh concerns everybody, a rewrite of the same mesh nobody", () => {
  const { put } = openView(mesh("default"));
  assert.deepEqual(put(mesh("default")), []);
  assert.deepEqual(put(mesh("default", { networking: { outbound: { passthrough: false } } })), ["mesh"]);
});

test("a presence record may be there before its Dataplane", () => {
  const { view, put } = openView(presence("backend-1", "healthy"));
  assert.equal(view.services.size, 0);
  put(backend);
  assert.deepEqual(endpoints(view, "backend"), ["backend-1 192.168.0.1:80 healthy"]);
});

test("changes older than what is known are passed over", () => {
  const { view, changes, put } = openView();
  const old = changes.put(dataplane("backend-1", { inbound: [{ service: "old" }] }));
  const gone = changes.delete(backend);
  put(backend);
  assert.deepEqual(words(reduce(view, old)), []);
  assert.deepEqual(words(reduce(view, gone)), []);
  assert.deepEqual([...view.services.keys()], ["backend"]);
});

test("other types do nothing", () => {
  const { view, put } = openView();
  assert.deepEqual(put({ ...mesh("x"), type: "Secret" }), []);
  assert.ok(isEmpty(view));
});

test("an endpoint at a DNS name appears with its address, moves with it and goes with it", () => {
  const named = dataplane("a", { address: "Db.Example", inbound: [{ service: "db" }] });
  const { view, put } = openView();
  assert.deepEqual(put(named), ["host db.example", "proxy a"]);
  assert.deepEqual(endpoints(view, "db"), []);
  assert.deepEqual(words(reduceAddress(view, "db.example", "10.0.0.9")), ["endpoints db", "proxy a"]);
  assert.deepEqual(endpoints(view, "db"), ["a 10.0.0.9:80 degraded"]);
  assert.deepEqual(words(reduceAddress(view, "db.example", "10.0.0.9")), []);
  assert.deepEqual(words(reduceAddress(view, "db.example", "10.0.0.8")), ["endpoints db", "proxy a"]);
  assert.deepEqual(words(reduceAddress(view, "db.example", undefined)), ["endpoints db", "proxy a"]);
  assert.deepEqual(endpoints(view, "db"), []);
  assert.deepEqual(words(reduceAddress(view, "unused.example", "10.0.0.8")), []);
});

test("a DNS name is in use as long as one Dataplane has it", () => {
  const one = dataplane("a", { address: "db.example" });
  const two = dataplane("b", { advertisedAddress: "db.example" });
  const { view, put, remove } = openView(one);
  assert.deepEqual(put(two), ["proxy b"]);
  assert.deepEqual(remove(one), ["proxy a"]);
  reduceAddress(view, "db.example", "10.0.0.9");
  assert.deepEqual(remove(two), ["host db.example", "proxy b"]);
  assert.equal(view.addresses.size, 0);
});
