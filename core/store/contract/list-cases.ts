import assert from "node:assert/strict";
import type { ListQuery, ResourceStore } from "../resource-store.ts";
import { changesUpTo, changeText, draft, keyOf, listPages, namesOf, rejects } from "./case-tools.ts";
import type { StoreCase } from "./store-case.ts";

const padded = (at: number) => `n${String(at).padStart(5, "0")}`;

/** The first 20 pages of 10, and how long one of them took; half of them took longer. */
async function readPages(store: ResourceStore, type: string): Promise<{ names: string[]; pageMs: number }> {
  const names: string[] = [];
  const times: number[] = [];
  let after: string | undefined;
  for (let page = 0; page < 20; page++) {
    const started = performance.now();
    const { items, next } = await store.list(type, { limit: 10, after });
    times.push(performance.now() - started);
    names.push(...namesOf(items));
    after = next;
  }
  return { names, pageMs: times.sort((a, b) => a - b)[10] ?? Number.NaN };
}

export const listCases: readonly StoreCase[] = [
  {
    name: "a list is in order of mesh, then name, whatever the order of writes",
    async run({ store }) {
      for (const mesh of ["b", "a", "c"]) {
        for (const name of ["x10", "x9", "B", "a-1", "a"]) await store.put(draft(name, { mesh }));
      }
      await store.put(draft("other", { type: "Other", mesh: "a" }));
      const page = await store.list("Dataplane");
      assert.deepEqual(
        page.items.map((item) => `${item.mesh} ${item.name}`),
        ["a", "b", "c"].flatMap((mesh) => ["B", "a", "a-1", "x10", "x9"].map((name) => `${mesh} ${name}`)),
      );
      assert.deepEqual([page.total, page.next, page.revision], [15, undefined, 16]);
    },
  },
  {
    name: "filters by mesh, part of the name and labels go together",
    async run({ store }) {
      for (const mesh of ["a", "b"]) {
        for (let at = 0; at < 20; at++) {
          const labels = { even: String(at % 2 === 0), third: String(at % 3 === 0) };
          await store.put(draft(`web-${at}`, { mesh, labels }));
        }
      }
      const count = async (query: ListQuery) => {
        const whole = await store.list("Dataplane", query);
        assert.equal(whole.total, whole.items.length);
        const paged = await listPages(store, "Dataplane", { ...query, limit: 3 });
        assert.deepEqual(paged, whole.items);
        const first = await store.list("Dataplane", { ...query, limit: 1 });
        assert.equal(first.total, whole.total, "the total is the same on every page");
        return whole.total;
      };
      assert.equal(await count({}), 40);
      assert.equal(await count({ mesh: "a" }), 20);
      assert.equal(await count({ mesh: "none" }), 0);
      assert.equal(await count({ mesh: "" }), 0);
      assert.equal(await count({ nameContains: "b-1" }), 22);
      assert.equal(await count({ nameContains: "B-1" }), 0);
      assert.equal(await count({ nameContains: "" }), 40);
      assert.equal(await count({ labels: {} }), 40);
      assert.equal(await count({ labels: { even: "true" } }), 20);
      assert.equal(await count({ labels: { even: "true", third: "true" } }), 8);
      assert.equal(await count({ labels: { even: "tru" } }), 0);
      assert.equal(await count({ labels: { toString: "x" } }), 0);
      assert.equal(await count({ mesh: "b", nameContains: "1", labels: { even: "false", third: "true" } }), 1);
    },
  },
  {
    name: "labels are those of the last put",
    async run({ store }) {
      await store.put(draft("a", { labels: { color: "red" } }));
      await store.put(draft("a", { labels: { color: "blue" } }));
      assert.equal((await store.list("Dataplane", { labels: { color: "red" } })).total, 0);
      assert.equal((await store.list("Dataplane", { labels: { color: "blue" } })).total, 1);
    },
  },
  {
    name: "a page has `next` only if there is more",
    async run({ store }) {
      for (const name of ["a", "b", "c", "d"]) await store.put(draft(name, { labels: { x: "y" } }));
      for (const filter of [{}, { labels: { x: "y" } }]) {
        assert.equal((await store.list("Dataplane", { ...filter, limit: 4 })).next, undefined);
        assert.equal((await store.list("Dataplane", { ...filter, limit: 5 })).next, undefined);
        const first = await store.list("Dataplane", { ...filter, limit: 2 });
        assert.deepEqual([namesOf(first.items), first.total], [["a", "b"], 4]);
        assert.ok(first.next !== undefined);
        const second = await store.list("Dataplane", { ...filter, limit: 2, after: first.next });
        assert.deepEqual([namesOf(second.items), second.total, second.next], [["c", "d"], 4, undefined]);
      }
    },
  },
  {
    name: "pages skip and repeat nothing that existed throughout, under writes",
    async run({ store }) {
      const steady = Array.from({ length: 60 }, (_, at) => `n${String(at * 10).padStart(3, "0")}`);
      for (const name of steady) await store.put(draft(name));
      for (const filter of [{}, { nameContains: "n" }]) {
        const seen: string[] = [];
        let after: string | undefined;
        let round = 0;
        do {
          const page = await store.list("Dataplane", { ...filter, limit: 7, after });
          seen.push(...namesOf(page.items));
          after = page.next;
          round++;
          const last = page.items.at(-1)?.name ?? "";
          // Before, at and after the place where the page ended; also the last item itself, twice.
          await store.put(draft(`a-${round}`));
          await store.put(draft(`${last}x`));
          await store.put(draft(`z-${round}`));
          await store.delete(keyOf(draft(last)));
          await store.put(draft(last));
        } while (after !== undefined && round < 100);
        assert.deepEqual(
          seen.filter((name) => steady.includes(name)),
          steady,
        );
        assert.equal(new Set(seen).size, seen.length, "no item twice");
      }
    },
  },
  {
    name: "a page after an item that was deleted goes on behind it",
    async run({ store }) {
      for (const name of ["a", "b", "c", "d"]) await store.put(draft(name));
      const first = await store.list("Dataplane", { limit: 2 });
      await store.delete(keyOf(draft("b")));
      await store.delete(keyOf(draft("c")));
      assert.deepEqual(namesOf((await store.list("Dataplane", { limit: 2, after: first.next })).items), ["d"]);
      await store.delete(keyOf(draft("d")));
      const end = await store.list("Dataplane", { limit: 2, after: first.next });
      assert.deepEqual([end.items, end.total, end.next], [[], 1, undefined]);
    },
  },
  {
    name: "an offset that no list returned and a limit below 1 are MM400",
    async run({ store }) {
      for (const after of ["", "5", "!!", Buffer.from("{}").toString("base64url")]) {
        await rejects("MM400", store.list("Dataplane", { after }));
      }
      for (const limit of [0, -1, 1.5, Number.NaN]) await rejects("MM400", store.list("Dataplane", { limit }));
    },
  },
  {
    name: "a watch from a list's revision continues the list",
    async run({ store, signal }) {
      await store.put(draft("a"));
      await store.put(draft("b", { type: "Other" }));
      const page = await store.list("Dataplane");
      assert.equal(page.revision, 2);
      await store.put(draft("c"));
      const changes = await changesUpTo(store, page.revision, 3, signal);
      assert.deepEqual(changes.map(changeText), ["3 put Dataplane c v1"]);
    },
  },
  {
    name: "10,000 resources are listed whole, in pages and by filter",
    needs: "large",
    async run({ store }) {
      const size = 10_000;
      for (let start = 0; start < size; start += 1000) {
        await Promise.all(
          Array.from({ length: 1000 }, (_, at) => {
            const name = padded((start + at * 7) % size);
            return store.put(draft(name, { mesh: `m${at % 2}`, labels: { tens: String(at % 10) } }));
          }),
        );
      }
      const whole = await store.list("Dataplane");
      assert.equal(whole.items.length, whole.total);
      assert.equal(whole.revision, size);
      const pages = await listPages(store, "Dataplane", { limit: 500 });
      assert.deepEqual(namesOf(pages), namesOf(whole.items));
      const keys = pages.map((item) => `${item.mesh} ${item.name}`);
      assert.deepEqual(keys, [...new Set(keys)].sort());
      const filtered = await listPages(store, "Dataplane", { labels: { tens: "3" }, limit: 300 });
      assert.deepEqual(namesOf(filtered), namesOf(whole.items.filter((item) => item.labels["tens"] === "3")));
      assert.equal((await store.list("Dataplane", { labels: { tens: "3" }, limit: 1 })).total, filtered.length);
    },
  },
  {
    name: "a page of 100,000 resources is read without the rest",
    needs: "large",
    async run({ store }) {
      const size = 100_000;
      for (let start = 0; start < size; start += 5000) {
        await Promise.all(
          Array.from({ length: 5000 }, (_, at) =>
            store.put(draft(padded(start + at), { mesh: `m${at % 4}`, spec: 1 })),
          ),
        );
      }
      for (let at = 0; at < 200; at++)
        await store.put(draft(padded(at), { type: "Other", mesh: `m${at % 4}`, spec: 1 }));
      const started = performance.now();
      const whole = await store.list("Dataplane");
      const wholeMs = performance.now() - started;
      assert.deepEqual([whole.items.length, whole.total], [size, size]);
      const many = await readPages(store, "Dataplane");
      assert.deepEqual(many.names, namesOf(whole.items.slice(0, 200)));
      const few = await readPages(store, "Other");
      assert.equal(few.names.length, 200);
      // What a page costs anyway is in both; who reads everything for it pays the whole list on top.
      assert.ok(
        many.pageMs < few.pageMs + wholeMs / 4 + 2,
        `a page of 10 took ${many.pageMs} ms, from 200 resources ${few.pageMs} ms; all ${size} at once ${wholeMs} ms`,
      );
    },
  },
  {
    name: "a long list is one moment, though writes go on",
    needs: "large",
    async run({ store }) {
      const size = 6000;
      await Promise.all(Array.from({ length: size }, (_, at) => store.put(draft(padded(at), { spec: { round: 0 } }))));
      const before = await store.revision();
      // Names in reverse, so that a list which reads while writes go on would see late writes before early ones.
      const writes = Array.from({ length: 200 }, (_, at) => store.put(draft(padded(size - 1 - at * 7), { spec: 1 })));
      const page = await store.list("Dataplane");
      await Promise.all(writes);
      const written = page.items.filter((item) => item.spec === 1);
      assert.equal(page.items.length, size);
      assert.equal(written.length, page.revision - before);
      for (const item of page.items) assert.ok(item.revision <= page.revision, `${item.name} is newer than the page`);
    },
  },
];
