import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CHILD, DRIVERS, tempDir } from "./support.ts";

const strace = spawnSync("strace", ["-V"]).status === 0;
const ROUNDS = 20;

for (const driver of DRIVERS) {
  const skip = strace ? false : "strace is not installed";
  test(`each answer comes after a sync of the write-ahead log (${driver})`, { skip }, (t) => {
    const dir = tempDir(t);
    const trace = join(dir, "trace");
    const path = join(dir, "store.db");
    const command = ["-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o", trace, process.execPath];
    const child = spawnSync("strace", [...command, CHILD, path, driver, "1", String(ROUNDS)], { encoding: "utf8" });
    assert.equal(child.status, 0, child.stderr);
    let synced = false;
    let answers = 0;
    for (const line of readFileSync(trace, "utf8").split("\n")) {
      // A call that another thread interrupts in the trace ends in a line of its own.
      if (
        /f(data)?sync\(\d+<[^>]*store\.db-wal>\) += 0$/.test(line) ||
        /<\.\.\. f(data)?sync resumed>\) += 0$/.test(line)
      ) {
        synced = true;
      }
      if (!/write\(1<[^>]*>, "ACK /.test(line)) continue;
      answers++;
      assert.ok(synced, `answer ${answers} was given before its sync`);
      synced = false;
    }
    assert.equal(answers, ROUNDS);
  });
}
