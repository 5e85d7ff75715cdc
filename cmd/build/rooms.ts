import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** The rooms of docs/architecture.md in the direction data flows: a room imports from itself and from rooms above it. */
export const ROOMS: readonly string[] = [
  "core/kernel",
  "core/grpc",
  "core/model",
  "core/events",
  "core/store",
  "core/view",
  "core/envoy",
  "core/policy",
  "core/push",
  "core/xds",
  "core/auth",
  "core/ca",
  "core/presence",
  "core/insight",
  "core/dp-server",
  "core/api",
  "core/sidecar",
  "plugins",
  "cmd",
];

/** Rooms that the sidecar's process may load; it runs beside every application, so it stays small. */
const SIDECAR_ROOMS = ["core/kernel", "core/grpc", "core/model", "core/sidecar"];

const HARD_LIMIT = 500;
const WARN_LIMIT = 300;

export interface TreeReport {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Checks the import rule and file lengths of the tree at `root`. */
export function checkTree(root: string): TreeReport {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const top of ["core", "plugins", "cmd", "test"]) {
    for (const file of sourceFiles(join(root, top))) {
      const name = relative(root, file);
      const text = readFileSync(file, "utf8");
      const lines = text.replace(/\n$/, "").split("\n").length;
      if (lines > HARD_LIMIT) problems.push(`${name}: ${lines} lines; ${HARD_LIMIT} at the most`);
      else if (lines > WARN_LIMIT) warnings.push(`${name}: ${lines} lines; look for a second concept in it`);
      if (top !== "test") problems.push(...importProblems(root, file, text));
    }
  }
  return { problems, warnings };
}

function importProblems(root: string, file: string, text: string): string[] {
  const from = roomOf(relative(root, file));
  if (!from) return [`${relative(root, file)}: lies in no room`];
  const problems: string[] = [];
  for (const specifier of importsOf(text)) {
    if (!specifier.startsWith(".")) continue;
    const target = relative(root, resolve(dirname(file), specifier));
    const to = roomOf(target);
    const wrong = to === undefined || ROOMS.indexOf(to) > ROOMS.indexOf(from);
    if (wrong) problems.push(`${relative(root, file)}: imports ${target}, which is below ${from}`);
    if (from === "core/sidecar" && to && !SIDECAR_ROOMS.includes(to)) {
      problems.push(`${relative(root, file)}: the sidecar must not load ${target}`);
    }
    if (
      from === "plugins" &&
      to === "plugins" &&
      pluginOf(target) !== pluginOf(relative(root, file)) &&
      !relative(root, file).endsWith("builtins.ts")
    ) {
      problems.push(`${relative(root, file)}: plugins do not import each other (${target})`);
    }
  }
  return problems;
}

/** Every module a file names, static, dynamic and type-only alike. */
export function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map((match) => match[1] ?? "");
}

function roomOf(path: string): string | undefined {
  return ROOMS.find((room) => path.startsWith(`${room}/`));
}

function pluginOf(path: string): string | undefined {
  return path.split("/")[1];
}

function sourceFiles(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
