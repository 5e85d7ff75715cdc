import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { eventually } from "../../cmd/demo/eventually.ts";
import { freePorts } from "../../cmd/demo/free-ports.ts";
import { get } from "../../cmd/demo/load.ts";
import type { RequestFailure } from "../../core/model/request-failure.ts";
import { openTestMesh, type TestMesh } from "../support/mesh.ts";

interface Failures {
  readonly total: number;
  readonly items: readonly RequestFailure[];
}

const failuresOf = async ({ mesh }: TestMesh, name: string) =>
  (await mesh.api.get(`/meshes/default/dataplanes/${name}/_failures`)).body as Failures;

/** Waits until the newest failure is the one that is looked for. */
const newest = (world: TestMesh, name: string, good: (failure: RequestFailure) => boolean) =>
  eventually(
    () => failuresOf(world, name).then(({ items }) => items[0]),
    (failure) => failure !== undefined && good(failure),
    5000,
  ) as Promise<RequestFailure>;

/** GET with its headers. */
function ask(port: number, path: string): Promise<{ status: number; header: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, agent: false }, async (response) => {
      let body = "";
      for await (const chunk of response) body += chunk;
      resolve({
        status: response.statusCode ?? 0,
        header: response.headers["x-monomesh-local-reply"] as string | undefined,
        body,
      });
    });
    sent.on("error", reject).end();
  });
}

/** True when a connection to the port is closed without an answer. */
const closed = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("anybody?"));
    socket.on("error", () => resolve(true)).on("close", () => resolve(true));
    socket.on("data", () => resolve(false));
  });

test("failed requests say why, and the last 200 of a sidecar are known to the control plane", async (test) => {
  const world = await openTestMesh(test);
  const { mesh, http, scope } = world;
  const [toBackend = 0, toNobody = 0, backendPort = 0, appPort = 0] = await freePorts(4);
  const backend = await http("backend-1", "backend");
  // An application of our own: it can be away, and it can fail.
  await Promise.all([
    mesh.startSidecar({ ...backend, port: backendPort, servicePort: appPort }),
    mesh.startSidecar(
      await http(
        "web-1",
        "web",
        new Map([
          [toBackend, "backend"],
          [toNobody, "nobody"],
        ]),
      ),
    ),
  ]);

  await test.test(
    "the application is away: the sidecar before it says so, to the caller and to both logs",
    async () => {
      const answer = await eventually(
        () => ask(toBackend, "/orders/7?token=secret"),
        ({ header }) => header?.includes("in front of backend") === true,
      );
      assert.equal(answer.status, 503);
      assert.match(
        answer.header ?? "",
        /^made by the sidecar of backend-1 \(mesh default\), in front of backend: UF\S* upstream_reset_before_\S+; see monomesh failures backend-1 --mesh default$/,
      );
      assert.match(answer.body, /^upstream connect error.*\n\nThis answer was made by the sidecar of backend-1/s);
      const caller = await newest(world, "web-1", ({ path }) => path === "/orders/7");
      assert.deepEqual(
        [caller.direction, caller.service, caller.method, caller.status, caller.answeredBy],
        ["outbound", "backend", "GET", 503, "remote-sidecar"],
      );
      assert.match(caller.details ?? "", /^made by the sidecar of backend-1 .*upstream_reset_before\S+$/);
      assert.equal(caller.upstream, `127.0.0.1:${backendPort}`);
      const called = await newest(world, "backend-1", ({ path }) => path === "/orders/7");
      assert.deepEqual(
        [called.direction, called.service, called.status, called.answeredBy],
        ["inbound", "backend", 503, "sidecar"],
      );
      assert.ok(called.flags.includes("UF"), called.flags.join());
      assert.equal(called.requestId, caller.requestId, "one request in two logs");
      assert.doesNotMatch(JSON.stringify([caller, called]), /secret/);
    },
  );

  await test.test("an application that fails itself keeps its answer", async () => {
    const app = createServer((incoming, response) => {
      response.statusCode = incoming.url === "/fails" ? 500 : 200;
      response.end("my own words");
    });
    await new Promise<void>((resolve) => app.listen(appPort, "127.0.0.1", resolve));
    scope.defer(() => app.closeAllConnections());
    scope.defer(() => void app.close());
    await eventually(
      () => get(toBackend, "/"),
      ({ status }) => status === 200,
    );
    assert.deepEqual(await ask(toBackend, "/fails"), { status: 500, header: undefined, body: "my own words" });
    const failure = await newest(world, "web-1", ({ path }) => path === "/fails");
    assert.deepEqual([failure.answeredBy, failure.flags, failure.details], ["application", [], undefined]);
  });

  await test.test("a connection to a service that nobody offers", async () => {
    assert.equal(await closed(toNobody), true);
    const failure = await newest(world, "web-1", ({ service }) => service === "nobody");
    assert.deepEqual([failure.direction, failure.method, failure.status], ["outbound", undefined, undefined]);
    assert.ok(failure.flags.includes("UH"), failure.flags.join());
  });

  await test.test("what succeeds is not among them, and a control plane that starts anew is told again", async () => {
    const before = await failuresOf(world, "web-1");
    for (let count = 0; count < 20; count++) assert.equal((await get(toBackend, "/")).status, 200);
    mesh.controlPlane().process.kill("SIGKILL");
    await mesh.controlPlane().exited;
    await mesh.startControlPlane();
    const after = await eventually(
      () => failuresOf(world, "web-1"),
      ({ total }) => total > 0,
      10_000,
    );
    assert.deepEqual(after.items, before.items);
  });

  await test.test("a supervisor that stands still stops no request; afterwards there are the last 200", async () => {
    const supervisor = mesh.sidecars.get("web-1");
    supervisor?.process.kill("SIGSTOP");
    try {
      for (let count = 0; count < 400; count++) assert.equal((await get(toBackend, "/fails")).status, 500);
    } finally {
      supervisor?.process.kill("SIGCONT");
    }
    const { items } = await eventually(
      () => failuresOf(world, "web-1"),
      ({ total, items }) => total === 200 && items.every(({ path }) => path === "/fails"),
      10_000,
    );
    assert.equal(new Set(items.map(({ seq }) => seq)).size, 200);
  });
});
