import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const ROOT = resolve(import.meta.dirname, "../../..");

const SCRIPT = `
  const { createApiServer } = await import("./core/api/api-server.ts");
  const { createRegistry } = await import("./core/model/registry.ts");
  const { systemClock } = await import("./core/kernel/clock.ts");
  const { silentLogger } = await import("./core/kernel/log.ts");
  const server = createApiServer({ types: createRegistry(), clock: systemClock, log: silentLogger, identity: { hostname: "h" }, config: () => ({}) });
  const { port } = await server.listen("127.0.0.1", 0);
  const status = (await fetch("http://localhost:" + port + "/")).status;
  await server.close();
  const { createRequire } = await import("node:module");
  console.log(JSON.stringify({ status, files: Object.keys(createRequire(import.meta.url).cache) }));
`;

test("serving loads no schema compiler, no logger and no metrics", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", SCRIPT], {
    cwd: ROOT,
  });
  const { status, files } = JSON.parse(stdout) as { status: number; files: string[] };
  assert.equal(status, 200);
  assert.ok(
    files.some((file) => file.includes("/node_modules/fastify/")),
    "the list of loaded files is real",
  );
  for (const heavy of [
    "ajv",
    "@fastify/ajv-compiler",
    "fast-json-stringify-compiler",
    "pino",
    "prom-client",
    "light-my-request",
  ]) {
    assert.deepEqual(
      files.filter((file) => file.includes(`/node_modules/${heavy}/`)),
      [],
      heavy,
    );
  }
});
