import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { DRIVERS, tempDir } from "./support.ts";

const mounts =
  spawnSync("unshare", ["--mount", "--map-root-user", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
const skip = mounts ? false : "the system does not let tests mount a file system of their own";

/** Runs the child with a small file system of its own, mounted at its argument. */
function onSmallDisk(dir: string, driver: string): { readonly status: number | null; readonly output: string } {
  const child = join(import.meta.dirname, "children/small-disk.ts");
  const script = 'mount -t tmpfs -o size=1m none "$1" && exec "$2" "$3" "$1" "$4"';
  const args = ["--mount", "--map-root-user", "sh", "-c", script, "sh", dir, process.execPath, child, driver];
  const { status, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

for (const driver of DRIVERS) {
  test(`a full disk refuses writes while reads go on, a read-only one refuses the start (${driver})`, { skip }, (t) => {
    const { status, output } = onSmallDisk(tempDir(t), driver);
    assert.equal(status, 0, output);
    assert.match(output, /^full: MM503 .*no room.*\nfree again: ok\nread-only start: MM503 .*\n$/);
  });
}

/** Whether the system lets tests mount a disk image, and stop its file system. */
const images =
  spawnSync("unshare", [
    "--mount",
    "sh",
    "-c",
    "cd $(mktemp -d) && truncate -s 4M image && mkfs.ext4 -q image && mkdir m && mount -o loop image m && umount m && rm -r $PWD",
  ]).status === 0;

for (const driver of DRIVERS) {
  test(`when the file system stops writing, writes are refused and reads go on (${driver})`, {
    skip: images ? false : "the system does not let tests mount a disk image (root, mkfs.ext4)",
  }, (t) => {
    const dir = tempDir(t);
    const child = join(import.meta.dirname, "children/failing-disk.ts");
    const script = `cd "$1" && truncate -s 16M image && mkfs.ext4 -q image && mkdir disk && mount -o loop image disk
      "$2" --disable-warning=ExperimentalWarning "$3" "$1/disk" "$4"; status=$?; umount disk; exit $status`;
    const args = ["--mount", "sh", "-c", script, "sh", dir, process.execPath, child, driver];
    const { status, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /^refused: .*\nreads go on\n$/);
  });
}
