import assert from "node:assert/strict";
import { test } from "node:test";
import { PushedProxy } from "../../../core/push/pushed-proxy.ts";
import { RefreshQueue } from "../../../core/push/refresh-queue.ts";
import { ResourceSets } from "../../../core/push/resource-set.ts";
import { SharedResources } from "../../../core/push/shared-resources.ts";

const sets = new ResourceSets(new SharedResources(() => []));

function proxyNamed(name: string): PushedProxy {
  return new PushedProxy({ mesh: "default", name }, sets);
}

/** Somebody who has nothing yet subscribes to the proxy. */
function join(proxy: PushedProxy) {
  return proxy.subscribe(() => undefined, {});
}

test("who has nothing yet waits apart, and is taken without the others", () => {
  const queue = new RefreshQueue();
  const [old, fresh] = [proxyNamed("old"), proxyNamed("new")];
  join(fresh);
  assert.deepEqual([queue.add(old), queue.add(fresh)], ["next", "newcomers"]);
  assert.deepEqual([...queue.begin(false)], [fresh]);
  queue.delete(fresh);
  assert.deepEqual([queue.has(old), queue.has(fresh), queue.size], [true, false, 1]);
});

test("a push of everything begins with those who have nothing yet", () => {
  const queue = new RefreshQueue();
  const [old, fresh] = [proxyNamed("old"), proxyNamed("new")];
  join(fresh);
  queue.add(old);
  queue.add(fresh);
  assert.deepEqual([...queue.begin(true)], [fresh, old]);
});

test("a proxy waits in one place, also when somebody new comes to it or leaves again", () => {
  const queue = new RefreshQueue();
  const proxy = proxyNamed("web");
  assert.equal(queue.add(proxy), "next");
  const subscriber = join(proxy);
  assert.equal(queue.add(proxy), "newcomers");
  proxy.unsubscribe(subscriber);
  assert.equal(queue.add(proxy), "newcomers");
  assert.equal(queue.size, 1);
  assert.deepEqual([...queue.begin(true)], [proxy]);
});

test("who still waits in the running push is not put into the next one; who was looked at already is", () => {
  const queue = new RefreshQueue();
  const [first, second] = [proxyNamed("first"), proxyNamed("second")];
  queue.add(first);
  queue.add(second);
  const running = queue.begin(true);
  queue.delete(first);
  assert.deepEqual([queue.add(first), queue.add(second)], ["next", "running"]);
  assert.deepEqual([...running], [second]);
  assert.equal(queue.size, 2);
});

test("a proxy that is being refreshed counts as waiting until that is done", () => {
  const queue = new RefreshQueue();
  const proxy = proxyNamed("web");
  queue.add(proxy);
  queue.begin(true);
  queue.delete(proxy);
  queue.refreshing = proxy;
  assert.ok(queue.has(proxy));
  queue.refreshing = undefined;
  assert.ok(!queue.has(proxy));
});
