import { writeSync } from "node:fs";
import type { ResourceStore } from "../resource-store.ts";

/** The other half of what a writer writes at once: after a kill it has the same version as the first. */
export const TWIN = "DataplaneTwin";

/**
 * Writes with several writers, `rounds` times each (default: for ever), and prints `ACK name version revision` for each
 * answer. Each write is a pair.
 */
export async function writeAndTell(
  store: ResourceStore,
  writers: number,
  rounds = Number.POSITIVE_INFINITY,
): Promise<void> {
  const write = async (name: string) => {
    for (let round = 0; round < rounds; round++) {
      const draft = { type: "Dataplane", mesh: "default", name, labels: {}, spec: { round, filler: "x".repeat(300) } };
      const [stored] = await store.putAll([{ draft }, { draft: { ...draft, type: TWIN }, owner: draft }]);
      print(`ACK ${name} ${stored?.version} ${stored?.revision}\n`);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(`w${writer}`)));
}

/** Synchronously: the line is with the reader before anything else happens here. */
function print(line: string): void {
  for (;;) {
    try {
      writeSync(1, line);
      return;
    } catch (error) {
      // The reader is busy and its pipe is full. Nothing of a line this short was written.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
