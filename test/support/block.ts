/** Holds the event loop for so many milliseconds. */
export function block(ms: number): void {
  const start = performance.now();
  while (performance.now() - start < ms);
}
