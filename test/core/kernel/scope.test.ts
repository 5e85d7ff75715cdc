import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Scope } from "../../../core/kernel/scope.ts";

describe("Scope", () => {
  it("aborts first, then cleans up in reverse order, children included", async () => {
    const scope = new Scope("test");
    const order: string[] = [];
    scope.signal.addEventListener("abort", () => order.push("abort"));
    scope.defer(() => void order.push("first"));
    const child = scope.child("child");
    child.defer(async () => void order.push("child"));
    scope.defer(() => void order.push("last"));
    await scope.close();
    assert.deepEqual(order, ["abort", "last", "child", "first"]);
    assert.ok(child.closed);
  });

  it("runs every clean-up although one throws, then rejects with the first error", async () => {
    const scope = new Scope("test");
    let ran = false;
    scope.defer(() => {
      ran = true;
    });
    scope.defer(() => {
      throw new Error("broken");
    });
    await assert.rejects(scope.close(), /broken/);
    assert.ok(ran);
  });

  it("closes once, forgets closed children, and takes nothing new afterwards", async () => {
    const scope = new Scope("test");
    let count = 0;
    const child = scope.child("child");
    child.defer(() => void count++);
    await child.close();
    await Promise.all([scope.close(), scope.close()]);
    assert.equal(count, 1);
    assert.throws(() => scope.defer(() => undefined), /closed/);
  });
});
