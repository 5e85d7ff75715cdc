import { parentPort, workerData } from "node:worker_threads";
import { runRandomSequence } from "./random-sequence.ts";

const { first, count } = workerData as { readonly first: number; readonly count: number };
for (let at = 0; at < count; at++) await runRandomSequence(first + at);
parentPort?.postMessage("done");
