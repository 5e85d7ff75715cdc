import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cannotPlay, play, WEB_1 } from "../support/play.ts";

const APP = `require("node:http").createServer((_, answer) => answer.end("here")).listen(80, "127.0.0.1")`;

describe("a control plane whose disk is full", { skip: cannotPlay }, () => {
  it("refuses writes with the reason, reads and serves on, and goes on by itself when there is room", (test) => {
    const { out } = play(test, [
      "mkdir work && mount -t tmpfs -o size=16m none work",
      "monomesh cp run >cp.log 2>&1 & cp=$!",
      "ready",
      `${process.execPath} -e '${APP}' & app=$!`,
      WEB_1.replace("192.168.0.1", "127.0.0.1"),
      "monomesh generate dataplane-token --name web-1 >token 2>/dev/null",
      "monomesh dp run --cp-address=https://127.0.0.1:5678 --dataplane-file=web-1.yaml --dataplane-token-file=token >dp.log 2>&1 & dp=$!",
      "for i in $(seq 200); do curl -sf -o answer 127.0.0.1:8080 && break; kill -0 $dp || cat dp.log cp.log; sleep 0.1; done",
      "dd if=/dev/zero of=work/filler bs=1k count=17000 2>/dev/null || true",
      "dd if=/dev/zero of=work/rest bs=1 count=4000 2>/dev/null || true",
      "sed s/web-1/web-2/ web-1.yaml >web-2.yaml",
      // What is left of the last page of the log is used up first.
      "for i in $(seq 300); do monomesh apply -f web-2.yaml >applied 2>&1 || break; done; cat applied",
      'echo "reads: $(monomesh get dataplanes -o name | sort | head -1)"',
      'echo "ready: $(curl -s -o /dev/null -w %{http_code} localhost:5680/ready)"',
      'echo "proxy: $(curl -s 127.0.0.1:8080)"',
      "rm work/filler work/rest",
      "monomesh apply -f web-2.yaml",
      "kill $dp; kill $dp; kill $app; kill $cp; wait $cp",
    ]);
    assert.match(out, /could not apply Dataplane "web-2" +MM503\n.*no room.*writing then goes on by itself/s);
    assert.match(out, /\nreads: dataplanes\/web-1\nready: 200\nproxy: here\n/);
    assert.match(out, /\n(created|updated) Dataplane "web-2"\n/);
  });
});
