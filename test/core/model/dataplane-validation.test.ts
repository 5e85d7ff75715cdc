import assert from "node:assert/strict";
import { test } from "node:test";
import { draftFromJson } from "../../../core/model/resource-json.ts";
import { dataplaneType } from "../../../core/model/types/dataplane.ts";

type Json = Record<string, unknown>;

const inbound = (more: Json = {}) => ({ port: 9000, servicePort: 6379, tags: { "kuma.io/service": "redis" }, ...more });
const outbound = (more: Json = {}) => ({ port: 10000, tags: { "kuma.io/service": "redis" }, ...more });
const networking = (more: Json = {}) => ({ networking: { address: "192.168.0.1", inbound: [inbound()], ...more } });
const withInbound = (...inbounds: unknown[]) => networking({ inbound: inbounds });
const withOutbound = (...outbounds: unknown[]) => networking({ outbound: outbounds });

function fieldsOf(spec: Json, meta: Json = {}, strict = false): string[] {
  const json = { type: "Dataplane", mesh: "default", name: "redis-1", ...meta, ...spec };
  return draftFromJson(dataplaneType, json, { strict }).violations.map((each) => each.field);
}

const VALID: Record<string, Json> = {
  "the page's redis": networking(),
  "a DNS name as address": networking({ address: "host_1.example.com." }),
  IPv6: networking({ address: "2001:db8::1", advertisedAddress: "::1" }),
  "no inbound at all (2.14)": networking({ inbound: [] }),
  "an inbound without tags (2.14)": withInbound({ port: 80 }),
  "an inbound that only has the zone tag": withInbound({ port: 80, tags: { "kuma.io/zone": "default" } }),
  "the same port on two addresses": withInbound(inbound({ address: "10.0.0.1" }), inbound({ address: "10.0.0.2" })),
  "the application on the Dataplane's own address": withInbound(inbound({ serviceAddress: "192.168.0.1" })),
  "port and application port equal on different addresses": withInbound({ port: 80, tags: { "kuma.io/service": "a" } }),
  "transparent proxying with equal ports": networking({
    address: "127.0.0.1",
    transparentProxying: { redirectPortInbound: 15006, redirectPortOutbound: 15001 },
    inbound: [{ port: 80, tags: { "kuma.io/service": "a" } }],
  }),
  "all tag characters": withInbound(inbound({ tags: { "kuma.io/service": "a.b-c_d:e", "x.y-z_0:/": "V1" } })),
  "a probe": withInbound(inbound({ serviceProbe: { tcp: {}, interval: "1s", timeout: "0.5s", healthyThreshold: 1 } })),
  "outbounds on two addresses": withOutbound(outbound(), outbound({ address: "127.0.0.2" })),
  "backendRef by name": withOutbound({ port: 1, backendRef: { kind: "MeshService", name: "a", port: 80 } }),
  "backendRef by labels": withOutbound({ port: 1, backendRef: { kind: "MeshExternalService", labels: { a: "b" } } }),
  "a delegated gateway": {
    networking: { address: "10.0.0.1", gateway: { tags: { "kuma.io/service": "kong" } }, outbound: [outbound()] },
  },
  "a built-in gateway": {
    networking: { address: "10.0.0.1", gateway: { type: "BUILTIN", tags: { "kuma.io/service": "edge" } } },
  },
  "zone listeners": networking({
    listeners: [
      { type: "ZoneIngress", address: "10.0.0.1", port: 10001, name: "i" },
      { type: "ZoneEgress", address: "10.0.0.1", port: 10002, name: "e" },
    ],
  }),
};

for (const [title, spec] of Object.entries(VALID)) {
  test(`valid: ${title}`, () => assert.deepEqual(fieldsOf(spec, {}, true), []));
}

const INVALID: Record<string, readonly [Json, readonly string[]]> = {
  "no networking": [{}, ["networking"]],
  "no address": [{ networking: { inbound: [inbound()] } }, ["networking.address"]],
  "an empty address": [networking({ address: "" }), ["networking.address"]],
  "an address with a space": [networking({ address: "redis host" }), ["networking.address"]],
  "a mistyped IP address": [networking({ address: "192.168.0.256" }), ["networking.address"]],
  "the wildcard address": [networking({ address: "0.0.0.0" }), ["networking.address"]],
  "the IPv6 wildcard, long form": [networking({ address: "0:0:0:0:0:0:0:0" }), ["networking.address"]],
  "an address with a zone": [networking({ address: "fe80::1%eth0" }), ["networking.address"]],
  "a bad advertised address": [networking({ advertisedAddress: "::" }), ["networking.advertisedAddress"]],
  "no port": [withInbound({ tags: { "kuma.io/service": "a" } }), ["networking.inbound[0].port"]],
  "port 0": [withInbound(inbound({ port: 0 })), ["networking.inbound[0].port"]],
  "port 65536": [withInbound(inbound({ port: 65536 })), ["networking.inbound[0].port"]],
  "a port that is no number": [withInbound(inbound({ port: "http" })), ["networking.inbound[0].port"]],
  "half a port": [withInbound(inbound({ port: 80.5 })), ["networking.inbound[0].port"]],
  "a negative port": [withInbound(inbound({ port: -1 })), ["networking.inbound[0].port"]],
  "a huge servicePort": [withInbound(inbound({ servicePort: 70000 })), ["networking.inbound[0].servicePort"]],
  "serviceAddress that is a name": [
    withInbound(inbound({ serviceAddress: "db" })),
    ["networking.inbound[0].serviceAddress"],
  ],
  "inbound address that is a name": [withInbound(inbound({ address: "db" })), ["networking.inbound[0].address"]],
  "tags without service": [
    withInbound(inbound({ tags: { version: "1" } })),
    ['networking.inbound[0].tags["kuma.io/service"]'],
  ],
  "an empty service": [
    withInbound(inbound({ tags: { "kuma.io/service": "" } })),
    ['networking.inbound[0].tags["kuma.io/service"]'],
  ],
  "a tag value that is a number": [
    withInbound(inbound({ tags: { "kuma.io/service": "a", version: 1 } })),
    ["networking.inbound[0].tags.version"],
  ],
  "a tag name with a space": [
    withInbound(inbound({ tags: { "kuma.io/service": "a", "a b": "c" } })),
    ['networking.inbound[0].tags["a b"]'],
  ],
  "a tag value with a slash": [
    withInbound(inbound({ tags: { "kuma.io/service": "a/b" } })),
    ['networking.inbound[0].tags["kuma.io/service"]'],
  ],
  "an unknown protocol tag": [
    withInbound(inbound({ tags: { "kuma.io/service": "a", "kuma.io/protocol": "smtp" } })),
    ['networking.inbound[0].tags["kuma.io/protocol"]'],
  ],
  "an unknown protocol field": [withInbound(inbound({ protocol: "smtp" })), ["networking.inbound[0].protocol"]],
  "an unknown state": [withInbound(inbound({ state: "Sleeping" })), ["networking.inbound[0].state"]],
  "an inbound that is text": [withInbound("9000"), ["networking.inbound[0]"]],
  "inbound that is no list": [networking({ inbound: inbound() }), ["networking.inbound"]],
  "a probe of no length": [
    withInbound(inbound({ serviceProbe: { interval: "0s", timeout: "-1s", unhealthyThreshold: 0 } })),
    [
      "networking.inbound[0].serviceProbe.interval",
      "networking.inbound[0].serviceProbe.timeout",
      "networking.inbound[0].serviceProbe.unhealthyThreshold",
    ],
  ],
  "a duration without unit": [
    withInbound(inbound({ serviceProbe: { interval: "5" } })),
    ["networking.inbound[0].serviceProbe.interval"],
  ],
  "the same inbound twice": [withInbound(inbound(), inbound()), ["networking.inbound[1].port"]],
  "the same inbound on the wildcard": [
    withInbound(inbound(), inbound({ address: "0.0.0.0" })),
    ["networking.inbound[1].port"],
  ],
  "the same inbound, IPv6 spelled differently": [
    withInbound(inbound({ address: "::1" }), inbound({ address: "0:0:0:0:0:0:0:1" })),
    ["networking.inbound[1].port"],
  ],
  "an application where its own inbound listens": [
    { networking: { address: "127.0.0.1", inbound: [{ port: 80, tags: { "kuma.io/service": "a" } }] } },
    ["networking.inbound[0].port"],
  ],
  "the same by localhost": [
    { networking: { address: "localhost", inbound: [inbound({ servicePort: 9000 })] } },
    ["networking.inbound[0].servicePort"],
  ],
  "the same by serviceAddress": [
    withInbound(inbound({ servicePort: 9000, serviceAddress: "192.168.0.1" })),
    ["networking.inbound[0].serviceAddress"],
  ],
  "the same by a wildcard inbound": [
    withInbound(inbound({ address: "0.0.0.0", servicePort: 9000 })),
    ["networking.inbound[0].servicePort"],
  ],
  "an application where another inbound listens": [
    {
      networking: {
        address: "127.0.0.1",
        inbound: [inbound({ port: 1000, servicePort: 1001 }), inbound({ port: 1001, servicePort: 6379 })],
      },
    },
    ["networking.inbound[0].servicePort"],
  ],
  "an outbound without tags": [withOutbound({ port: 1 }), ["networking.outbound[0].tags"]],
  "an outbound without service": [
    withOutbound({ port: 1, tags: { a: "b" } }),
    ['networking.outbound[0].tags["kuma.io/service"]'],
  ],
  "an outbound with tags and backendRef": [
    withOutbound(outbound({ backendRef: { kind: "MeshService", name: "a", port: 80 } })),
    ["networking.outbound[0].backendRef"],
  ],
  "a backendRef of an unknown kind": [
    withOutbound({ port: 1, backendRef: { kind: "Service", name: "a", port: 80 } }),
    ["networking.outbound[0].backendRef.kind"],
  ],
  "a backendRef without name and port": [
    withOutbound({ port: 1, backendRef: { kind: "MeshService" } }),
    ["networking.outbound[0].backendRef.name", "networking.outbound[0].backendRef.port"],
  ],
  "a port for a MeshExternalService": [
    withOutbound({ port: 1, backendRef: { kind: "MeshExternalService", name: "a", port: 80 } }),
    ["networking.outbound[0].backendRef.port"],
  ],
  "the same outbound twice": [withOutbound(outbound(), outbound()), ["networking.outbound[1].port"]],
  "an outbound where an inbound listens": [
    withOutbound(outbound({ port: 9000, address: "192.168.0.1" })),
    ["networking.outbound[0].port"],
  ],
  "the admin port taken by an outbound": [
    networking({ outbound: [outbound()], admin: { port: 10000 } }),
    ["networking.admin.port"],
  ],
  "a gateway with inbound": [networking({ gateway: { tags: { "kuma.io/service": "kong" } } }), ["networking.inbound"]],
  "a gateway without service": [
    { networking: { address: "10.0.0.1", gateway: {} } },
    ['networking.gateway.tags["kuma.io/service"]'],
  ],
  "a gateway that speaks http": [
    { networking: { address: "10.0.0.1", gateway: { tags: { "kuma.io/service": "k", "kuma.io/protocol": "http" } } } },
    ['networking.gateway.tags["kuma.io/protocol"]'],
  ],
  "a built-in gateway with outbound and probes": [
    {
      networking: {
        address: "10.0.0.1",
        gateway: { type: "BUILTIN", tags: { "kuma.io/service": "k" } },
        outbound: [outbound()],
      },
      probes: { port: 9000 },
    },
    ["networking.outbound", "probes"],
  ],
  "zone listeners that clash": [
    networking({
      listeners: [
        { type: "ZoneIngress", address: "192.168.0.1", port: 9000, name: "a" },
        { type: "ZoneEgress", address: "192.168.0.1", port: 9000, name: "a" },
      ],
    }),
    ["networking.listeners[1].name", "networking.listeners[0].port", "networking.listeners[1].port"],
  ],
  "a zone listener without type": [
    networking({ listeners: [{ address: "192.168.0.1", port: 1 }] }),
    ["networking.listeners[0].type"],
  ],
  "reachable backends": [
    networking({
      transparentProxying: {
        reachableBackends: {
          refs: [
            { kind: "MeshService", namespace: "n", labels: { a: "b" } },
            { kind: "X", name: "a" },
          ],
        },
      },
    }),
    [
      "networking.transparentProxying.reachableBackends.refs[0].namespace",
      "networking.transparentProxying.reachableBackends.refs[1].kind",
    ],
  ],
  "metrics that are not prometheus": [{ ...networking(), metrics: { type: "statsd" } }, ["metrics.type"]],
  "probes without port and paths": [
    { ...networking(), probes: { endpoints: [{ inboundPort: 80, inboundPath: "x", path: "/ok" }] } },
    ["probes.port", "probes.endpoints[0].inboundPath"],
  ],
};

for (const [title, [spec, fields]] of Object.entries(INVALID)) {
  test(`invalid: ${title}`, () => assert.deepEqual(fieldsOf(spec).sort(), [...fields].sort()));
}

test("wrong shapes and broken rules are found together, each field once", () => {
  const fields = fieldsOf(
    {
      networking: {
        address: "",
        inbound: [inbound({ port: "x", servicePort: 99999 }), 7, inbound({ tags: { a: "b" } })],
        outbound: [outbound({ tags: [] })],
      },
    },
    { name: "Redis_1", labels: { "kuma.io/workload": "A" } },
  );
  assert.deepEqual(fields.sort(), [
    'labels["kuma.io/workload"]',
    "name",
    "networking.address",
    "networking.inbound[0].port",
    "networking.inbound[0].servicePort",
    "networking.inbound[1]",
    'networking.inbound[2].tags["kuma.io/service"]',
    "networking.outbound[0].tags",
  ]);
});

test("unknown fields name the nearest one; locally they are violations, over the wire they are ignored", () => {
  const spec = {
    networking: { address: "1.2.3.4", inbuond: [], inbound: [{ port: 80, servicePrt: 6379, x: 1 }] },
    nets: 1,
  };
  const json = { type: "Dataplane", mesh: "default", name: "a", ...spec };
  const lenient = draftFromJson(dataplaneType, json, { strict: false });
  assert.deepEqual(lenient.violations, []);
  assert.deepEqual(lenient.draft.spec, { networking: { address: "1.2.3.4", inbound: [{ port: 80 }] } });
  assert.deepEqual(
    lenient.unknownFields.map(({ field, nearest }) => [field, nearest]),
    [
      ["networking.inbuond", "inbound"],
      ["networking.inbound[0].servicePrt", "servicePort"],
      ["networking.inbound[0].x", undefined],
      ["nets", undefined],
    ],
  );
  const strict = draftFromJson(dataplaneType, json, { strict: true });
  assert.deepEqual(strict.violations[1], {
    field: "networking.inbound[0].servicePrt",
    message: "is no field. Nearest: servicePort",
  });
  assert.equal(strict.violations.length, 4);
});
