import assert from "node:assert/strict";
import { it } from "node:test";
import { errorLine } from "../../../core/kernel/error-line.ts";
import { MeshError } from "../../../core/kernel/errors.ts";

it("puts an error on one line, with its code at the end", () => {
  assert.equal(errorLine(new MeshError("MM311", "the token is for web")), "the token is for web (MM311)");
  const whole = new MeshError("MM305", "the token is expired", { why: "since 14:00", todo: "Make another" });
  assert.equal(errorLine(whole), "the token is expired: since 14:00. Make another. (MM305)");
  const sentences = new MeshError("MM700", "it has left", { why: "It said so.", todo: "Start it again." });
  assert.equal(errorLine(sentences), "it has left. It said so. Start it again. (MM700)");
  const fields = [
    { field: "a", message: "is bad" },
    { field: "b[0]", message: "is worse" },
  ];
  const listed = new MeshError("MM104", "not valid", { violations: fields });
  assert.equal(errorLine(listed), "not valid: a: is bad; b[0]: is worse (MM104)");
});

it("makes a text that gRPC can carry of whatever it gets", () => {
  const line = errorLine(new MeshError("MM900", "two\nlines\tand half a \ud800 pair"));
  assert.equal(line, "two lines and half a \ufffd pair (MM900)");
  assert.doesNotThrow(() => encodeURI(line));
});
