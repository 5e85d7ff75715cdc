import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";

/*
 * `node --random-seed=1 [V8 FLAGS] code-cache.ts FROM TO`: V8's code cache of each chunk in FROM goes to TO. A process of
 * its own, because V8 takes a cache only from a V8 of its version and flags, and the seed makes it the same each time.
 */
const [from = "", to = ""] = process.argv.slice(2);
for (const name of readdirSync(from)) {
  const code = readFileSync(join(from, name), "latin1");
  writeFileSync(join(to, name), new Script(code, { filename: name }).createCachedData());
}
