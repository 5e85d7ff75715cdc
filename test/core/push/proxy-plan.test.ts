import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import type { ResourceInput } from "../../../core/envoy/inputs.ts";
import { FAILURES_FEATURE } from "../../../core/model/request-failure.ts";
import type { ResourceDraft } from "../../../core/model/resource.ts";
import { planProxy } from "../../../core/push/proxy-plan.ts";
import { createMeshView } from "../../../core/view/mesh-view.ts";
import { reduce, reduceAddress } from "../../../core/view/reduce.ts";
import { Changes, type DataplaneInit, dataplane } from "../view/fixtures.ts";

function plan(init: DataplaneInit, ...others: ResourceDraft[]) {
  const view = createMeshView("default");
  const changes = new Changes();
  for (const draft of [...others, dataplane("me", init)]) reduce(view, changes.put(draft));
  const planned = planProxy(view, "me", []);
  assert.ok(planned);
  const of = <Kind extends ResourceInput["kind"]>(kind: Kind) =>
    planned.resources.filter((each): each is Extract<ResourceInput, { kind: Kind }> => each.kind === kind);
  return { ...planned, of };
}

/** `localhost:80 127.0.0.1:80` of every inbound cluster. */
function applications(init: DataplaneInit): string[] {
  return plan(init)
    .of("inbound-cluster")
    .map(({ name, address, port }) => `${name} ${address}:${port}`);
}

test("inbound traffic goes to serviceAddress and servicePort, else to 127.0.0.1 and the inbound's port", () => {
  assert.deepEqual(applications({ inbound: [{ port: 80 }] }), ["localhost:80 127.0.0.1:80"]);
  assert.deepEqual(applications({ inbound: [{ port: 80, servicePort: 8080 }] }), ["localhost:8080 127.0.0.1:8080"]);
  assert.deepEqual(applications({ inbound: [{ port: 80, address: "10.0.0.9", serviceAddress: "192.168.0.7" }] }), [
    "localhost:80 192.168.0.7:80",
  ]);
});

test("inbounds with one application port share its cluster only if they reach the same application the same way", () => {
  const inbound = [
    { port: 1, servicePort: 80, protocol: "http" },
    { port: 2, servicePort: 80, protocol: "http" },
    { port: 3, servicePort: 80, serviceAddress: "10.0.0.3", protocol: "http" },
    { port: 4, servicePort: 80, protocol: "tcp" },
    { port: 5, servicePort: 80, protocol: "grpc" },
    { port: 6, servicePort: 80, protocol: "http2" },
    { port: 7, servicePort: 80, serviceAddress: "10.0.0.3", protocol: "tcp" },
  ];
  const { of } = plan({ inbound });
  assert.deepEqual(
    of("inbound-listener").map(({ port, cluster }) => `${port} ${cluster}`),
    [
      "1 localhost:80",
      "2 localhost:80",
      "3 localhost:80@10.0.0.3",
      "4 localhost:80@127.0.0.1",
      "5 localhost:80@127.0.0.1/http2",
      "6 localhost:80@127.0.0.1/http2",
      "7 localhost:80@10.0.0.3/tcp",
    ],
  );
  assert.equal(of("inbound-cluster").length, 5);
});

test("of several listeners at one place the first counts", () => {
  const { of } = plan({
    inbound: [
      { port: 80, service: "a" },
      { port: 80, service: "b" },
      { port: 80, address: "10.0.0.2", service: "c" },
    ],
    outbound: [
      { port: 1, tags: { "kuma.io/service": "x" } },
      { port: 1, address: "127.0.0.1", tags: { "kuma.io/service": "y" } },
      { port: 1, address: "127.0.0.2", tags: { "kuma.io/service": "z" } },
    ],
  });
  assert.deepEqual(
    of("inbound-listener").map(({ service }) => service),
    ["a", "c"],
  );
  assert.deepEqual(
    of("outbound-listener").map(({ service }) => service),
    ["x", "z"],
  );
  assert.equal(of("outbound-cluster").length, 2);
});

test("an inbound without a service is served under its cluster's name", () => {
  assert.equal(plan({ inbound: [{ port: 80 }] }).of("inbound-listener")[0]?.service, "localhost:80");
});

test("an outbound with more tags than the service has a cluster of its own", () => {
  const tags = { version: "2", "kuma.io/service": "backend", "kuma.io/mesh": "default" };
  const { of, assignments } = plan({ outbound: [{ port: 1, tags }, "backend", { port: 2, tags }] });
  const hex = hash("sha256", "kuma.io/servicebackendversion2", "hex").slice(0, 16);
  assert.deepEqual(
    of("outbound-cluster").map(({ name }) => name),
    [`backend-${hex}`, "backend"],
  );
  assert.deepEqual(assignments, [
    { cluster: `backend-${hex}`, service: "backend", subset: { version: "2" } },
    { cluster: "backend", service: "backend", subset: undefined },
  ]);
  assert.deepEqual(of("outbound-listener")[0]?.tags, { "kuma.io/service": "backend", version: "2" });
});

test("the mesh tag alone chooses nothing", () => {
  const tags = { "kuma.io/service": "backend", "kuma.io/mesh": "default" };
  assert.deepEqual(plan({ outbound: [{ port: 1, tags }] }).assignments, [
    { cluster: "backend", service: "backend", subset: undefined },
  ]);
});

test("outbounds speak the protocol of their service, inbounds their own", () => {
  const other = dataplane("other", { inbound: [{ service: "s", protocol: "http" }] });
  const mixed = plan({ inbound: [{ service: "s", protocol: "grpc" }], outbound: ["s", "nobody"] }, other);
  assert.equal(mixed.of("inbound-listener")[0]?.protocol, "grpc");
  assert.deepEqual(
    mixed.of("outbound-cluster").map(({ name, protocol }) => `${name} ${protocol}`),
    ["s http", "nobody tcp"],
  );
});

test("a backendRef has no resources yet", () => {
  const backendRef = { kind: "MeshService", name: "backend", port: 80 };
  assert.deepEqual(plan({ outbound: [{ port: 1, backendRef }] }).resources, []);
});

test("no plan without a Dataplane, or while an address of its own has no answer", () => {
  const view = createMeshView("default");
  assert.equal(planProxy(view, "me", []), undefined);
  const inbound = [{ service: "me" }];
  reduce(view, new Changes().put(dataplane("me", { address: "me.example", inbound, outbound: ["x"] })));
  assert.equal(planProxy(view, "me", []), undefined);
  reduceAddress(view, "me.example", "10.0.0.1");
  assert.equal(planProxy(view, "me", [])?.resources.length, 4);
});

test("an advertised name that cannot be resolved does not keep the proxy itself from being served", () => {
  const init = { advertisedAddress: "nat.example", inbound: [{ service: "me" }] };
  assert.equal(plan(init).of("inbound-listener").length, 1);
});

test("answers are explained unless that is switched off, with a name where the sidecar knows it; failures are logged there", () => {
  const view = createMeshView("default");
  reduce(view, new Changes().put(dataplane("me", { inbound: [{ port: 80 }] })));
  const listener = (features: readonly string[], explainReplies?: boolean) => {
    const found = planProxy(view, "me", features, { explainReplies })?.resources.find(
      ({ kind }) => kind === "inbound-listener",
    );
    assert.ok(found?.kind === "inbound-listener");
    return [found.listener.explainReplies, found.listener.failureLog];
  };
  assert.deepEqual(listener([]), ["host", false]);
  assert.deepEqual(listener([FAILURES_FEATURE]), ["dataplane", true]);
  assert.deepEqual(listener([FAILURES_FEATURE], false), [undefined, true]);
});
