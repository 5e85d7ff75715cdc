import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonOf, usefulWords } from "../../../../core/sidecar/envoy/last-words.ts";

const line = (level: string, message: string) => `[2026-01-31 02:58:02.123][7][${level}][main] [a.cc:1] ${message}`;

// As Envoy 1.40 wrote it when its watchdog ended it.
const CRASH = [
  line("warning", "There is no configured limit to the number of allowed active downstream connections."),
  line("error", "Watchdog AbortAction terminating thread with tid 11819."),
  line("critical", "Caught Aborted, suspect faulting address 0x2e1e"),
  line("critical", "Backtrace (use tools/stack_decode.py to get line numbers):"),
  line("critical", "Envoy version: 9e558/1.40.0/Clean/RELEASE/BoringSSL"),
  line("critical", "Address mapping: 55ea0e5ac000-55ea12712000 /usr/bin/envoy"),
  line("critical", "#0: [0x7f5967145050]"),
  line("critical", "#1: Envoy::Main::run() [0x55ea1207d368]"),
];

test("why Envoy ended, if it says", () => {
  assert.equal(reasonOf([line("critical", "bad config"), line("info", "exiting")]), "bad config");
  assert.equal(
    reasonOf([line("critical", "Caught Segmentation fault"), line("critical", "#0: [0x1]")]),
    "Caught Segmentation fault",
  );
  assert.equal(reasonOf(CRASH), "Watchdog AbortAction terminating thread with tid 11819.");
  assert.equal(reasonOf([line("error", "one"), line("error", "two")]), "two");
  assert.equal(reasonOf([line("info", "x"), "no line of its log"]), undefined);
});

test("its last words: the lines that say something, and the backtrace in one", () => {
  assert.deepEqual(usefulWords(CRASH), [
    ...CRASH.slice(0, 3),
    "Backtrace: 0x7f5967145050 Envoy::Main::run() (Envoy version: 9e558/1.40.0/Clean/RELEASE/BoringSSL; Address mapping: 55ea0e5ac000-55ea12712000 /usr/bin/envoy)",
  ]);
  const many = Array.from({ length: 30 }, (_, at) => `line ${at}`);
  assert.deepEqual(usefulWords(many), many.slice(-10));
  assert.deepEqual(usefulWords([]), []);
});
