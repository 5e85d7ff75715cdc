import { MeshError } from "../../core/kernel/errors.ts";
import { nearest } from "../../core/kernel/nearest.ts";
import type { Io } from "../terminal/io.ts";
import { parseFlags } from "../terminal/parse-flags.ts";

const HELP = `Plugins: what is built in, and files of yours.

  new KIND NAME [DIR]      write a plugin that works and its tests; KIND is store, auth, lifecycle or policy
      --typescript         in TypeScript instead of JavaScript
  test FILE                run the contract of its kind, and FILE's own cases (NAME.test.mjs beside NAME.mjs)
      --options JSON       options of the plugin; {workDir} stands for the directory of each case
      --only WORD          only the cases whose name contains WORD
      --quick              without the cases that write thousands of resources
  list                     what is built in and loaded, by kind
      -c FILE              as this configuration of a control plane loads it
      --plugin FILE        with this file; may be repeated
      -o FORMAT            table, wide, json, yaml or name

Examples:
  monomesh plugin new store my-store
  monomesh plugin test my-store/my-store.mjs
  monomesh cp run -c my-store/cp.yaml

How to write one: docs/plugins.md.
`;

const OPTIONS = {
  typescript: { type: "boolean", default: false },
  options: { type: "string" },
  only: { type: "string" },
  quick: { type: "boolean", default: false },
  "config-file": { type: "string", short: "c" },
  plugin: { type: "string", multiple: true },
  output: { type: "string", short: "o" },
  help: { type: "boolean", short: "h" },
} as const;

/** What each verb takes: its flags, and how many words at the least and at the most. */
const VERBS = {
  new: { flags: ["typescript"], words: [2, 3] },
  test: { flags: ["options", "only", "quick"], words: [1, 1] },
  list: { flags: ["config-file", "plugin", "output"], words: [0, 0] },
  // The process that `test` starts and kills.
  write: { flags: ["options"], words: [2, 2] },
} as const;

/** `monomesh plugin …`. Resolves to the exit code. */
export async function runPlugin(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS, "monomesh plugin --help");
  const [verb, ...words] = positionals;
  if (values.help || verb === "help") {
    io.stdout.write(HELP);
    return 0;
  }
  if (!isVerb(verb)) {
    const close = verb ? nearest(verb, ["new", "test", "list"]) : undefined;
    throw new MeshError("MM100", verb ? `plugin has no command "${verb}"` : "a command is missing", {
      todo: close ? `Did you mean ${close}?` : "Help: monomesh plugin --help",
    });
  }
  checkUsage(verb, words, values);
  const [first = "", second = "", third] = words;
  switch (verb) {
    case "new": {
      const { newPlugin } = await import("./new-plugin.ts");
      return newPlugin(io, { kind: first, name: second, dir: third, typescript: values.typescript });
    }
    case "test": {
      const { testPlugin } = await import("./test-plugin.ts");
      return testPlugin(io, { file: first, options: values.options, only: values.only, quick: values.quick });
    }
    case "list": {
      const { listPlugins } = await import("./list-plugins.ts");
      return listPlugins(io, {
        configFile: values["config-file"],
        files: values.plugin ?? [],
        format: values.output ?? "table",
      });
    }
    case "write": {
      const { writeToPlugin } = await import("./write-to-plugin.ts");
      return writeToPlugin(first, second, values.options);
    }
  }
}

function isVerb(verb: string | undefined): verb is keyof typeof VERBS {
  return verb !== undefined && Object.hasOwn(VERBS, verb);
}

function checkUsage(
  verb: keyof typeof VERBS,
  words: readonly string[],
  values: Readonly<Record<string, unknown>>,
): void {
  const { flags, words: limits } = VERBS[verb];
  const [least, most] = limits;
  const todo = "Help: monomesh plugin --help";
  if (words.length < least) throw new MeshError("MM100", `plugin ${verb} needs ${USAGE[verb]}`, { todo });
  if (words.length > most) throw new MeshError("MM100", `plugin ${verb} does not take "${words[most]}"`, { todo });
  const stray = Object.entries(values).find(
    ([flag, value]) => value !== undefined && value !== false && !(flags as readonly string[]).includes(flag),
  );
  if (stray) throw new MeshError("MM100", `plugin ${verb} does not take --${stray[0]}`, { todo });
}

const USAGE = { new: "KIND NAME", test: "FILE", list: "nothing", write: "FILE DIR" };
