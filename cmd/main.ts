#!/usr/bin/env node
import { runMain } from "./run-main.ts";

// process.exitCode, not exit(): what is written to a pipe must arrive.
runMain(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
