import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { killSidecar } from "../../cmd/demo/demo-mesh.ts";
import { eventually } from "../../cmd/demo/eventually.ts";
import { startLoad } from "../../cmd/demo/load.ts";
import { postgresMissing } from "../support/postgres.ts";
import { openReplicas, playKills, untilAllConnected } from "./scenarios/replicas.ts";

// Limits hold on a busy machine; `./build.sh bench replicas` measures against the goals.
describe("two control planes on one PostgreSQL", { skip: postgresMissing() ?? false }, () => {
  it("are one to sidecars: one of them may be killed at any time, and the database may be away", async (test) => {
    await using replicas = await openReplicas({ simulated: 10 });
    assert.equal(replicas.refused.exit, 1);
    assert.match(replicas.refused.text, /MM502.*not migrated.*monomesh cp migrate up/);
    assert.match(replicas.migrated, /was migrated from schema 0 to \d/);
    const [one, two] = replicas.planes;

    const latencies: number[] = [];
    for (let round = 0; round < 10; round++) {
      const address = `10.8.0.${round + 1}`;
      const put = {
        type: "Dataplane",
        mesh: "default",
        name: `added-${round}`,
        networking: { address, inbound: [{ port: 80, tags: { "kuma.io/service": "backend" } }] },
      };
      const change = async () => {
        const answer = await one.api.put(`/meshes/default/dataplanes/added-${round}`, put);
        assert.equal(answer.status, 201);
      };
      latencies.push(...(await replicas.fleet.observe("backend", address, change)));
      assert.equal((await two.api.delete(`/meshes/default/dataplanes/added-${round}`)).status, 200);
    }
    const median = latencies.sort((a, b) => a - b)[latencies.length >> 1] ?? Number.NaN;
    test.diagnostic(`a change at one is at the sidecars of both after ${median.toFixed(0)} ms (p50)`);
    assert.ok(median < 1000);

    const kills = await playKills(replicas, { everyMs: 2000, kills: 3, downMs: 1500 });
    const numbers = (list: readonly number[]) => list.map((each) => Math.round(each)).join(", ");
    test.diagnostic(`${kills.failed} of ${kills.requests} failed; sidecars moved after ${numbers(kills.movedMs)} ms`);
    test.diagnostic(`the leader was replaced after ${numbers(kills.leaderMs)} ms`);
    assert.deepEqual([kills.failed, kills.missing], [0, 0], JSON.stringify([...kills.reasons]));
    assert.ok(kills.looks > 10);
    assert.ok(Math.max(...kills.movedMs) < 6000);
    assert.ok(kills.leaderMs.length > 0 && Math.max(...kills.leaderMs) < 8000);
    for (const plane of replicas.planes) await untilAllConnected(replicas, plane);

    const load = startLoad(replicas.toBackend, 50);
    await replicas.postgres.kill();
    const mesh = { type: "Mesh", name: "other" };
    const refused = await eventually(
      () => one.api.put("/meshes/other", mesh),
      ({ status }) => status === 503,
    );
    assert.equal((refused.body as { code: string }).code, "MM503");
    assert.equal((await two.api.get("/meshes/default/dataplanes")).status, 200);
    // A sidecar that is started anew gets its configuration; one that was never there waits.
    killSidecar(one.sidecars.get("backend-2") as NonNullable<ReturnType<typeof one.sidecars.get>>);
    await replicas.start("backend-2");
    const later = replicas.start("later-1");
    const early = await Promise.race([later.then(() => "serves"), new Promise((resolve) => setTimeout(resolve, 2000))]);
    assert.equal(early, undefined, "a new Dataplane cannot be made without the database");
    await replicas.postgres.start();
    await later;
    await eventually(
      () => one.api.put("/meshes/other", mesh),
      ({ status }) => status === 201,
    );
    for (const plane of replicas.planes) await untilAllConnected(replicas, plane);
    const { requests, failed } = await load.stop();
    test.diagnostic(`without the database: ${failed} of ${requests} failed while one of two instances was killed`);
    // What was under way or came in the moment of the kill; consumers cannot be told without the database.
    assert.ok(failed < requests / 2);
  });
});
