import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cannotPlay, play, WEB_1 } from "../support/play.ts";

const POLICY = `cat > tries.yaml <<'END'
type: MyTries
name: three
spec:
  to:
  - targetRef: { kind: Mesh }
    default: { attempts: ATTEMPTS }
END`;

describe("a policy of one's own", { skip: cannotPlay }, () => {
  it("is written, tested, loaded, applied, shown and merged like those that ship", (test) => {
    const { out, err } = play(test, [
      "monomesh plugin new policy my-tries",
      "monomesh plugin test my-tries/my-tries.mjs",
      "monomesh cp run -c my-tries/cp.yaml >cp.log 2>&1 & cp=$!",
      "ready",
      WEB_1,
      "monomesh apply -f web-1.yaml",
      POLICY.replace("ATTEMPTS", "30"),
      "! monomesh apply -f tries.yaml",
      POLICY.replace("ATTEMPTS", "3"),
      "monomesh apply -f tries.yaml",
      "monomesh get mytries",
      "monomesh get MyTries three -o json",
      "curl -s http://127.0.0.1:5681/meshes/default/dataplanes/web-1/_rules | tr -d ' \\n'; echo",
      "monomesh delete mytries three",
      "kill $cp; wait $cp",
    ]);
    assert.match(out, /\n[1-9]\d* passed, 0 failed\n/);
    assert.match(err, /spec\.to\[0\]\.default\.attempts.* must be 1 to 20/s);
    assert.match(out, /\ncreated MyTries "three"\n/);
    assert.match(out, /\ndefault +three +Mesh +- /);
    assert.match(out, /"attempts": 3/);
    assert.match(out, /"type":"MyTries","toRules":\[\{"matchers":\[\],"conf":\{"attempts":3\}/);
    assert.match(out, /\ndeleted MyTries "three"\n/);
  });
});
