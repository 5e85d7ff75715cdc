/** Milliseconds on the clock that all processes of a machine share; `performance.now` begins with each process. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;
