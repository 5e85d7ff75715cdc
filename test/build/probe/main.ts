import { join } from "node:path";
import { Worker } from "node:worker_threads";
import * as runtime from "../../../core/kernel/runtime.ts";

/*
 * A program that uses all of core/kernel/runtime.ts; the tests run it from source and as an executable of its own. The
 * first word says what to do; the answer is one line of JSON.
 */

const ACTIONS: Readonly<Record<string, (word: string) => unknown>> = {
  name: (word) => ({ calledAs: runtime.calledAs(), packaged: runtime.isPackaged(), version: runtime.VERSION, word }),

  // A CommonJS package, imported when it is needed: by name, and as a whole as Node gives it.
  commonjs: async (word) => {
    const { parse } = await import("yaml");
    const { default: whole, stringify } = await import("yaml");
    return { parsed: parse(word), same: whole.parse === parse, text: stringify({ a: [1] }) };
  },

  self: (word) => runtime.selfCommand(["name", word]),

  addon: (word) => Object.keys(runtime.loadAddon("better_sqlite3", join(process.cwd(), word)) as object),

  worker: (word) => {
    const entry = runtime.workerEntry("probe", new URL("./worker.ts", import.meta.url));
    const worker = new Worker(entry.code, { eval: entry.eval, workerData: word });
    return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  },

  plugin: async (word) => {
    const host = { definePlugin: (plugin: object) => ({ ...plugin, seenByHost: true }) };
    const module = (await runtime.importFile(word, { "monomesh/plugin": host })) as { default: unknown };
    return module.default;
  },
};

const [verb = "", word = ""] = process.argv.slice(2);
Promise.resolve(ACTIONS[verb]?.(word)).then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
