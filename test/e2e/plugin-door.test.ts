import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cannotPlay, play, WEB_1 } from "../support/play.ts";

const sidecar = (name: string, token: string) =>
  `monomesh dp run --cp-address=https://127.0.0.1:5678 --ca-cert-file=work/kuma-cp.crt --dataplane-file=${name}.yaml --dataplane-token-file=${token}`;

/** Prints a token as an issuer would make it. */
const SIGN = `const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const text = part({ alg: "HS256" }) + "." + part({ mesh: "default", exp: Date.now() / 1000 + 600 });
console.log(text + "." + require("node:crypto").createHmac("sha256", process.argv[1]).update(text).digest("base64url"));`;

describe("an authenticator and a lifecycle of one's own", { skip: cannotPlay }, () => {
  it("decide who joins, and what stays when a sidecar leaves", (test) => {
    const { out } = play(test, [
      "monomesh plugin new auth my-door >/dev/null",
      "monomesh plugin new lifecycle my-guests >/dev/null",
      "sed -i 's/change-this-secret/an-open-sesame-of-ours/; s#plugins: \\[#plugins: [../my-guests/my-guests.mjs, #' my-door/cp.yaml",
      "monomesh plugin list -c my-door/cp.yaml -o name",
      "monomesh cp run -c my-door/cp.yaml >cp.log 2>&1 & cp=$!",
      "ready",
      WEB_1.replace("192.168.0.1", "127.0.0.1"),
      "sed 's/^name:/labels: {lifecycle: my-guests}\\nname:/; s/web-1/web-2/; s/8080/8082/; s/: web$/: other/' web-1.yaml >web-2.yaml",
      `${process.execPath} -e '${SIGN}' an-open-sesame-of-ours >good; ${process.execPath} -e '${SIGN}' some-other-secret-here >bad`,
      `! timeout 20 ${sidecar("web-1", "bad")} >refused.log 2>&1; cat refused.log`,
      `${sidecar("web-1", "good")} --drain-time=1s >dp1.log 2>&1 & one=$!`,
      `${sidecar("web-2", "good")} --drain-time=1s >dp2.log 2>&1 & two=$!`,
      "for i in $(seq 200); do [ $(monomesh get dataplanes 2>/dev/null | grep -c Online) = 2 ] && break; sleep 0.1; done",
      'echo "joined: $(monomesh get dataplanes -o name | sort | tr "\\n" " ")"',
      "kill $one $two; wait $one $two",
      'echo "left: $(monomesh get dataplanes -o name | sort | tr "\\n" " ")"',
      "kill $cp; wait $cp",
    ]);
    assert.match(out, /auth\/my-door\n.*lifecycle\/my-guests\n/s);
    assert.match(out, /the token is not signed with our secret/);
    assert.match(out, /MM310/);
    assert.match(out, /\njoined: dataplanes\/web-1 dataplanes\/web-2 \n/);
    assert.match(out, /\nleft: dataplanes\/web-2 \n/, "the one that is labelled stays");
  });
});
