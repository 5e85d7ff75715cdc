import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { MeshError } from "../../core/kernel/errors.ts";
import { textAsset } from "../../core/kernel/runtime.ts";
import type { Io } from "../terminal/io.ts";
import { openCatalogue } from "./catalogue.ts";
import { PLUGIN_TEXTS, type PluginText } from "./plugin-texts.ts";

export interface NewRequest {
  readonly kind: string;
  readonly name: string;
  /** Default: a new directory with the plugin's name. */
  readonly dir: string | undefined;
  readonly typescript: boolean;
}

const KINDS = ["store", "auth", "lifecycle", "policy"] as const;

/** How a control plane's configuration uses the plugin. */
const CONFIGURATION: Readonly<Record<(typeof KINDS)[number], string>> = {
  store: "store:\n  type: NAME\n  # Options of the plugin:\n  NAME:\n    file: NAME.jsonl\n",
  auth: "dpServer:\n  authn:\n    dpProxy:\n      type: NAME\n      # Options of the plugin:\n      NAME:\n        secret: change-this-secret\n",
  lifecycle: "# Options of the plugin:\nlifecycle:\n  NAME:\n    label: NAME\n",
  policy: "# Options of the plugin:\npolicy:\n  NAME:\n    most: 20\n",
};

/** Writes a plugin that works, its tests, a configuration that uses it and its types. Overwrites nothing. */
export async function newPlugin(io: Io, { kind, name, dir = name, typescript }: NewRequest): Promise<number> {
  const known = KINDS.find((each) => each === kind);
  if (!known) {
    throw new MeshError("MM100", `"${kind}" is no kind of plugin that can be written`, {
      todo: `One of ${KINDS.join(", ")}.`,
    });
  }
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    throw new MeshError("MM100", `"${name}" cannot be a plugin's name`, {
      why: "A name has small letters, digits and hyphens and begins with a letter.",
    });
  }
  const host = await openCatalogue([]);
  if (host.list(known).some(({ plugin }) => plugin.name === name)) {
    throw new MeshError("MM100", `a built-in ${kind} plugin is called ${name}`, { todo: "Take another name." });
  }
  const extension = typescript ? "mts" : "mjs";
  const text = (asset: PluginText) => fillIn(textAsset(asset, PLUGIN_TEXTS[asset]), name);
  const files: Readonly<Record<string, string>> = {
    [`${name}.${extension}`]: text(`plugin-${known}.mjs`),
    [`${name}.test.${extension}`]: text(`plugin-${known}.test.mjs`),
    "cp.yaml": `# monomesh cp run -c cp.yaml\nplugins: [./${name}.${extension}]\n${CONFIGURATION[known].replaceAll("NAME", name)}`,
    "monomesh-plugin.d.ts": textAsset("monomesh-plugin.d.ts", PLUGIN_TEXTS["monomesh-plugin.d.ts"]),
    "tsconfig.json": `${JSON.stringify(TSCONFIG, null, 2)}\n`,
  };
  writeNew(dir, files);
  const shown = (file: string) => relative(".", join(dir, file));
  io.stdout.write(`${Object.keys(files).map(shown).join("\n")}\n`);
  io.stderr.write(`
Next:  monomesh plugin test ${shown(`${name}.${extension}`)}
       monomesh cp run -c ${shown("cp.yaml")}
`);
  return 0;
}

/** `my-limit` in the words of a resource type: MyLimit, at /mylimits, `ml` in KRIs. */
function fillIn(text: string, name: string): string {
  const words = name.split("-").filter((word) => word !== "");
  const typeName = words.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join("");
  return text
    .replaceAll("TYPE_NAME", typeName)
    .replaceAll("TYPE_PATH", `${typeName.toLowerCase()}s`)
    .replaceAll("TYPE_SHORT", words.map((word) => word.charAt(0)).join(""))
    .replaceAll("NAME", name);
}

/** For editors, and for tsc where it is installed. Node strips the types by itself. */
const TSCONFIG = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    types: ["node"],
    strict: true,
    noEmit: true,
    allowJs: true,
    checkJs: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
  },
  include: ["*"],
};

function writeNew(dir: string, files: Readonly<Record<string, string>>): void {
  const taken = Object.keys(files).filter((file) => existsSync(join(dir, file)));
  if (taken.length > 0) {
    throw new MeshError(
      "MM105",
      `${taken.map((file) => join(dir, file)).join(", ")} exists already. Nothing was written.`,
      {
        todo: "Name another directory after the plugin's name, or move the old files away.",
      },
    );
  }
  try {
    mkdirSync(dir, { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text, { flag: "wx" });
  } catch (cause) {
    throw new MeshError("MM105", `cannot write to ${dir}`, { why: (cause as Error).message, cause });
  }
}
