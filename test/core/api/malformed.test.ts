import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { JSON_TYPE, redis, type Send, serve } from "./serve.ts";

const DATAPLANE = "/meshes/default/dataplanes/redis-1";
const SECRET = "/meshes/default/secrets/s";

const put = (body: string | Buffer, headers: Send["headers"] = JSON_TYPE): Send => ({ method: "PUT", headers, body });
const putJson = (body: unknown): Send => put(JSON.stringify(body));
const post = (body: unknown): Send => ({ method: "POST", headers: JSON_TYPE, body: JSON.stringify(body) });
const inbound = (more: object) =>
  putJson(
    redis("redis-1", { inbound: [{ port: 9000, servicePort: 6379, tags: { "kuma.io/service": "redis" }, ...more }] }),
  );
const raw = (networking: string) =>
  put(`{"type":"Dataplane","mesh":"default","name":"redis-1","networking":${networking}}`);

interface Case {
  readonly path: string;
  readonly send: Send;
  readonly status: number;
  /** The field that must be named, or a part of the text of the answer. */
  readonly field?: string;
  readonly text?: RegExp;
}

const definition = (send: Send, field: string): Case => ({ path: DATAPLANE, send, status: 400, field });
const request = (path: string, send: Send, status: number, text: RegExp): Case => ({ path, send, status, text });

const CASES: Readonly<Record<string, Case>> = {
  "no networking": definition(put('{"type":"Dataplane","mesh":"default","name":"redis-1"}'), "networking"),
  "networking that is text": definition(raw('"192.168.0.1"'), "networking"),
  "networking that is a list": definition(raw("[]"), "networking"),
  "networking that is null": definition(raw("null"), "networking"),
  "an address that is a number": definition(raw('{"address":3232235521}'), "networking.address"),
  "an address with a space": definition(putJson(redis("redis-1", { address: "redis host" })), "networking.address"),
  "an address with a null byte": definition(putJson(redis("redis-1", { address: "10.0.0.1\0" })), "networking.address"),
  "a template that was not filled in": definition(
    putJson(redis("redis-1", { address: "{{ address }}" })),
    "networking.address",
  ),
  "inbound that is a map": definition(raw('{"address":"10.0.0.1","inbound":{"port":80}}'), "networking.inbound"),
  "an inbound that is null": definition(raw('{"address":"10.0.0.1","inbound":[null]}'), "networking.inbound[0]"),
  "a port that is too large": definition(inbound({ port: 65536 }), "networking.inbound[0].port"),
  "a port that is huge": definition(inbound({ port: 1e300 }), "networking.inbound[0].port"),
  "a negative port": definition(inbound({ port: -80 }), "networking.inbound[0].port"),
  "a port with decimals": definition(inbound({ port: 80.5 }), "networking.inbound[0].port"),
  "a port that is true": definition(inbound({ port: true }), "networking.inbound[0].port"),
  "a port in words": definition(inbound({ port: "eighty" }), "networking.inbound[0].port"),
  "a port in hex": definition(inbound({ port: "0x50" }), "networking.inbound[0].port"),
  "a port that is a list": definition(inbound({ port: [80] }), "networking.inbound[0].port"),
  "tags that are a list": definition(inbound({ tags: ["redis"] }), "networking.inbound[0].tags"),
  "a tag that is an object": definition(
    inbound({ tags: { "kuma.io/service": {} } }),
    'networking.inbound[0].tags["kuma.io/service"]',
  ),
  "a tag with a line break": definition(
    inbound({ tags: { "kuma.io/service": "a\nb" } }),
    'networking.inbound[0].tags["kuma.io/service"]',
  ),
  "an unknown protocol": definition(inbound({ protocol: "HTTP" }), "networking.inbound[0].protocol"),
  "an unknown state": definition(inbound({ state: "ready" }), "networking.inbound[0].state"),
  "a state beyond the enum": definition(inbound({ state: 7 }), "networking.inbound[0].state"),
  "health that is true": definition(inbound({ health: true }), "networking.inbound[0].health"),
  "a probe without end": definition(
    inbound({ serviceProbe: { interval: "forever" } }),
    "networking.inbound[0].serviceProbe.interval",
  ),
  "a probe that is never healthy": definition(
    inbound({ serviceProbe: { healthyThreshold: 0 } }),
    "networking.inbound[0].serviceProbe.healthyThreshold",
  ),
  "an inbound that calls itself": definition(
    inbound({ servicePort: 9000, serviceAddress: "192.168.0.1" }),
    "networking.inbound[0].serviceAddress",
  ),
  "an outbound without service": definition(
    putJson(redis("redis-1", { outbound: [{ port: 1, tags: {} }] })),
    "networking.outbound[0].tags",
  ),
  "labels that are text": definition(putJson({ ...redis(), labels: "a=b" }), "labels"),
  "a label that is no label": definition(putJson({ ...redis(), labels: { "a b": "c" } }), 'labels["a b"]'),
  "another name than in the URL": definition(putJson(redis("redis-2")), "name"),
  "another mesh than in the URL": definition(putJson({ ...redis(), mesh: "other" }), "mesh"),
  "another type than in the URL": definition(putJson({ ...redis(), type: "Mesh" }), "type"),
  "no name": definition(putJson({ ...redis(), name: undefined }), "name"),
  "a name that is a number": definition(putJson({ ...redis(), name: 1 }), "name"),
  "a name with an underscore": {
    ...definition(putJson(redis("redis_1")), "name"),
    path: "/meshes/default/dataplanes/redis_1",
  },
  "a name of 254 letters": {
    ...definition(putJson(redis("a".repeat(254))), "name"),
    path: `/meshes/default/dataplanes/${"a".repeat(254)}`,
  },
  "a name with a slash": { ...definition(putJson(redis("a/b")), "name"), path: "/meshes/default/dataplanes/a%2Fb" },
  "a name that climbs": { ...definition(putJson(redis("../x")), "name"), path: "/meshes/default/dataplanes/..%2Fx" },
  "a mesh with a dot": {
    path: "/meshes/a.b",
    send: putJson({ type: "Mesh", name: "a.b" }),
    status: 400,
    field: "name",
  },
  "mutual TLS that would not be there": {
    path: "/meshes/default",
    send: putJson({
      type: "Mesh",
      name: "default",
      mtls: { enabledBackend: "ca", backends: [{ name: "ca", type: "builtin" }] },
    }),
    status: 400,
    field: "mtls.enabledBackend",
  },
  "a secret that is no base64": {
    path: SECRET,
    send: putJson({ type: "Secret", mesh: "default", name: "s", data: "not base64!" }),
    status: 400,
    field: "data",
  },
  "a token for no mesh": { path: "/tokens/dataplane", send: post({ name: "a" }), status: 400, field: "mesh" },
  "a token for no time": {
    path: "/tokens/dataplane",
    send: post({ mesh: "default", validFor: "0s" }),
    status: 400,
    field: "validFor",
  },
  "a token for ever": {
    path: "/tokens/dataplane",
    send: post({ mesh: "default", validFor: `${"9".repeat(400)}h` }),
    status: 400,
    field: "validFor",
  },
  "a token with a misspelt restriction": {
    path: "/tokens/dataplane",
    send: post({ mesh: "default", nmae: "a" }),
    status: 400,
    field: "nmae",
  },
  "a token with tags that are no lists": {
    path: "/tokens/dataplane",
    send: post({ mesh: "default", tags: { a: "b" } }),
    status: 400,
    field: "tags.a",
  },
  "no body": request(DATAPLANE, { method: "PUT", headers: JSON_TYPE }, 400, /body is empty/),
  "a body of spaces": request(DATAPLANE, put("  \n "), 400, /body is empty/),
  "half a body": request(DATAPLANE, put('{"type":"Dataplane",'), 400, /not JSON/),
  YAML: request(DATAPLANE, put("type: Dataplane\nname: redis-1"), 400, /not JSON/),
  "bytes that are no text": request(DATAPLANE, put(Buffer.from([0xff, 0xfe, 0x00, 0x7b])), 400, /not JSON/),
  "a list": request(DATAPLANE, put("[]"), 400, /must be a JSON object/),
  "a number": request(DATAPLANE, put("1"), 400, /must be a JSON object/),
  null: request(DATAPLANE, put("null"), 400, /must be a JSON object/),
  "another content type": request(
    DATAPLANE,
    put("{}", { "content-type": "text/yaml" }),
    415,
    /^415: Unsupported Media Type$/,
  ),
  "no content type": request(DATAPLANE, put("{}", {}), 415, /^415: Unsupported Media Type$/),
  "a body of 2 MB": request(DATAPLANE, put(`{"a":"${"x".repeat(2_000_000)}"}`), 413, /1048576 bytes/),
  "100 000 brackets": request(DATAPLANE, put("[".repeat(100_000)), 400, /nested deeper/),
  "100 000 objects": request(DATAPLANE, put(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`), 400, /nested deeper/),
  __proto__: request(DATAPLANE, put('{"__proto__":{"admin":true},"type":"Dataplane"}'), 400, /__proto__/),
  "__proto__ deep inside, escaped": request(
    DATAPLANE,
    raw('{"address":"10.0.0.1","inbound":[{"tags":{"\\u005f_proto__":"x"}}]}'),
    400,
    /__proto__/,
  ),
  "a URL that is no URL": request("/meshes/%zz", {}, 400, /not a valid URL/),
  "a broken UTF-8 name": request("/meshes/default/dataplanes/%ff", {}, 400, /not a valid URL/),
  "an unknown path": request("/meshes/default/databases/x", put("{}"), 404, /^404: Page Not Found$/),
  "an unknown method": request(
    DATAPLANE,
    { method: "PATCH", headers: JSON_TYPE, body: "{}" },
    405,
    /^405: Method Not Allowed$/,
  ),
  "a type that only the control plane writes": request(
    "/meshes/default/dataplane-insights/a",
    putJson({}),
    405,
    /written by the control plane/,
  ),
  "a mesh that does not exist": request(
    "/meshes/nope/dataplanes/a",
    putJson({ ...redis("a"), mesh: "nope" }),
    404,
    /mesh \\"nope\\" does not exist/,
  ),
  "a mesh of 3 000 letters": request(`/meshes/${"m".repeat(3000)}/dataplanes`, {}, 400, /longer than 1024 characters/),
  "a token of a mesh that does not exist": request(
    "/tokens/dataplane",
    post({ mesh: "nope" }),
    404,
    /mesh \\"nope\\" does not exist/,
  ),
};

test("each malformed definition or request is a 4xx that says what is wrong; nothing changes and the server lives", async (t) => {
  assert.ok(Object.keys(CASES).length >= 30);
  const api = await serve(t);
  await api.put(DATAPLANE, redis());
  const revision = await api.store.revision();
  const before = (await api.get("/dataplanes")).text;
  for (const [title, { path, send, status, field, text }] of Object.entries(CASES)) {
    await t.test(title, async () => {
      const answer = await api.send(path, send);
      assert.equal(answer.status, status, answer.text);
      if (field !== undefined) {
        const causes: { field: string; message: string }[] = answer.json.causes;
        const cause = causes.find((each) => each.field === field);
        assert.ok(cause, `${field} is not among ${causes.map((each) => each.field).join(", ")}`);
        assert.ok(cause.message.length > 3);
        assert.equal(answer.json.status, status);
      }
      if (text) assert.match(answer.text, text);
      assert.doesNotMatch(answer.text, /\bat .*\.ts:\d+/, "no stack leaves the control plane");
      assert.equal(await api.store.revision(), revision, "nothing was written");
    });
  }
  assert.equal((await api.get("/dataplanes")).text, before);
  assert.equal((await api.put(DATAPLANE, redis())).status, 200);
  assert.equal(({} as { admin?: unknown }).admin, undefined);
});

test("bytes that are no HTTP end their connection only", async (t) => {
  const api = await serve(t);
  for (const bytes of [
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    "GET / HTTP/9.9\r\n\r\n",
    "PUT /meshes/default HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    `GET / HTTP/1.1\r\nX: ${"a".repeat(100_000)}\r\n\r\n`,
  ]) {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(api.port, "127.0.0.1", () => socket.write(bytes));
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("close", () => resolve(text));
      socket.on("error", (error: NodeJS.ErrnoException) =>
        error.code === "ECONNRESET" || error.code === "EPIPE" ? resolve(text) : reject(error),
      );
    });
    assert.match(answer, /^(HTTP\/1\.1 4\d\d|$)/);
  }
  assert.equal((await api.get("/meshes")).status, 200);
});
