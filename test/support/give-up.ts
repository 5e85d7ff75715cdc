/**
 * Loaded before each test file (`build.sh`): ends a file that hangs. Node's limit for a test ends the test alone, and what
 * it left running would keep the whole run from ending.
 */
const MOST_MS = 8 * 60_000;

// Only the runner's children have it; the runner itself lives as long as all of them.
if (process.env["NODE_TEST_CONTEXT"]) {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(", ");
    process.stderr.write(`${process.argv[1]}: not over after ${MOST_MS / 60_000} minutes; still open: ${open}\n`);
    process.exit(1);
  }, MOST_MS).unref();
}
