import { setFlagsFromString } from "node:v8";

const AT_REST = "--heap-growing-percent=50";
const IN_A_CROWD = "--heap-growing-percent=200";

/**
 * Tunes V8 for a process with a large heap that lies still and then gets work in bursts, as a control plane with sidecars.
 *
 * - The young generation grows from 1 to 16 MB in one step instead of by doubling: what a burst allocates lives a little
 *   longer than a small one lasts, and would be copied again and again. The executable allows no more than that
 *   (cmd/build/executable.ts). When idle it shrinks as before.
 * - The heap may grow by half before all of it is marked; `expectCrowd` allows more for a while. By itself V8 allows a process at
 *   rest a few percent, so that every push to 1,000 sidecars marked 80 MB that had not changed: a third of its CPU, and half of
 *   that of a policy (docs/engine.md).
 * - Memory of buffers counts with the heap. By itself V8 marks all of the heap for each 64 MB of them, which a large mesh
 *   writes many times a second: with 5,000 sidecars that was more than half of all CPU.
 * - 3 s after a burst, instead of 8, V8 gives back what the heap no longer needs; it does so bit by bit.
 * - Functions are compiled to the best code after 30,000 calls instead of 3,000. A thousand joins call most functions some
 *   thousand times and then hardly ever: a tenth of their CPU was spent on compiling for a future that did not come.
 */
export function expectBursts(): void {
  setFlagsFromString("--semi-space-growth-factor=16");
  setFlagsFromString(AT_REST);
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--gc-memory-reducer-start-delay-ms=3000");
  setFlagsFromString("--invocation-count-for-turbofan=30000");
}

/**
 * While many sidecars join, most of what they allocate stays, and a heap that is marked each time it has grown by half is marked
 * for nothing: seven times for the first thousand. Until `crowdIsOver` it may triple; what it then has too much goes back as after
 * any burst.
 */
export function expectCrowd(): void {
  setFlagsFromString(IN_A_CROWD);
}

export function crowdIsOver(): void {
  setFlagsFromString(AT_REST);
}
