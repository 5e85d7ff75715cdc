import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cannotPlay, play, WEB_1 } from "../support/play.ts";

describe("cp backup and cp restore", { skip: cannotPlay }, () => {
  it("copy a running control plane, and bring the copy back", (test) => {
    const { out, err } = play(test, [
      "run() { monomesh cp run >cp.log 2>&1 & cp=$!; ready; }",
      "stop() { kill $cp; wait $cp; }",
      "run",
      WEB_1,
      "monomesh apply -f web-1.yaml",
      "monomesh cp backup copy.db",
      "monomesh delete dataplane web-1",
      "! monomesh cp restore copy.db",
      "stop",
      "monomesh cp restore copy.db | tee restored",
      "run",
      "monomesh get dataplanes -o name",
      "stop",
      // The line that says how to undo it, as a user would copy it.
      "eval $(sed -n 's/.*Undo:  //p' restored)",
      "run",
      "echo after the undo: $(monomesh get dataplanes -o name)",
      "stop",
      // A stopped one can be copied too.
      "monomesh cp backup second.db",
    ]);
    assert.match(out, /copy\.db has the store as of revision \d+, 0\.\d MB\. It holds private keys\.\n/);
    assert.match(err, /error: the store's database is in use +MM501\n.*\n {2}monomesh cp run \(pid \d+, since /);
    assert.match(out, /monomesh\.db is \/.*copy\.db, at revision \d+\.\nWhat was there is \/.*before-restore/);
    assert.match(out, /\ndataplanes\/web-1\n/);
    assert.match(out, /\nafter the undo:\n/);
    assert.match(out, /second\.db has the store/);
  });

  it("say what stands in the way", (test) => {
    const { err } = play(test, [
      "! monomesh cp backup copy.db",
      "! MONOMESH_STORE_TYPE=memory monomesh cp backup copy.db",
      "! monomesh cp restore",
      "! monomesh cp restore nothing.db",
      "! monomesh cp bakcup copy.db",
    ]);
    assert.match(err, /there is no database to copy +MM105/);
    assert.match(err, /the store plugin "memory" has no backup of its own +MM100/);
    assert.match(err, /cp restore takes one file/);
    assert.match(err, /the file to restore does not exist/);
    assert.match(err, /Did you mean backup\?/);
  });
});
