import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CHILD, DRIVERS, openStore, startNode, tempDir } from "./support.ts";

/** `MONOMESH_TEST_KILLS=200` for a longer look. */
const KILLS = Number(process.env["MONOMESH_TEST_KILLS"] ?? 20);

/** Writes in a child, kills it at a random moment after its first answer; returns the newest version answered, by name. */
async function killWhileWriting(t: TestContext, path: string, driver: string): Promise<Map<string, number>> {
  const child = startNode(t, [CHILD, path, driver, "4"]);
  let output = "";
  child.stdout.on("data", (text: string) => {
    output += text;
  });
  const ended = once(child, "close");
  await once(child.stdout, "data");
  await sleep(Math.random() * 40);
  child.kill("SIGKILL");
  await ended;
  const answered = new Map<string, number>();
  for (const line of output.split("\n").slice(0, -1)) {
    const [, name = "", version] = line.split(" ");
    answered.set(name, Number(version));
  }
  return answered;
}

for (const driver of DRIVERS) {
  test(`${KILLS / 2} kills while writing lose nothing that was answered (${driver})`, async (t) => {
    const path = join(tempDir(t), "store.db");
    let before = 0;
    for (let kill = 0; kill < KILLS / 2; kill++) {
      const answered = await killWhileWriting(t, path, driver);
      assert.ok(answered.size > 0, "the child answered nothing before it was killed");
      const store = await openStore(t, path, driver);
      const { items, revision } = await store.list("Dataplane");
      const versions = new Map(items.map((item) => [item.name, item.version]));
      for (const [name, version] of answered) {
        assert.ok((versions.get(name) ?? 0) >= version, `${name}: version ${version} was answered`);
      }
      // One write is one revision, also for those that were committed and not answered any more.
      assert.equal(
        items.reduce((sum, item) => sum + item.version, 0),
        revision,
      );
      assert.ok(revision > before);
      before = revision;
      await store.close();
    }
  });
}
