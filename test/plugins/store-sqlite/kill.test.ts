import { join } from "node:path";
import { test } from "node:test";
import { assertNothingLost } from "../../../core/store/contract/case-tools.ts";
import { killWhileWriting } from "../../../core/store/contract/kill-while-writing.ts";
import { DRIVERS, openStore, tempDir, writerCommand } from "./support.ts";

/** More of them: `./build.sh bench store --kills 200`. */
const KILLS = 20;

for (const driver of DRIVERS) {
  test(`${KILLS / 2} kills while writing lose nothing that was answered (${driver})`, async (t) => {
    const path = join(tempDir(t), "store.db");
    let before = 0;
    for (let kill = 0; kill < KILLS / 2; kill++) {
      const answered = await killWhileWriting(writerCommand(path, driver), t.signal);
      const store = await openStore(t, path, driver);
      before = await assertNothingLost(store, answered, before);
      await store.close();
    }
  });
}
