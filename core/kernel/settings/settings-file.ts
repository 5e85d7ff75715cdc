import { readFileSync } from "node:fs";
import { MeshError } from "../errors.ts";
import type { FileEntry } from "./load-settings.ts";

/** Reads a YAML configuration file into its leaves with their lines. MM105 when unreadable, MM201 when it is no YAML map. */
export async function readSettingsFile(file: string): Promise<FileEntry[]> {
  const { isMap, isScalar, LineCounter, parseDocument } = await import("yaml");
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (cause) {
    throw new MeshError("MM105", `cannot read the configuration file ${file}`, {
      why: (cause as Error).message,
      cause,
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const broken = document.errors[0];
  if (broken) {
    throw new MeshError("MM201", `${file} is not valid YAML`, {
      where: `${file}:${lines.linePos(broken.pos[0]).line}`,
      why: broken.message.split("\n")[0],
    });
  }
  if (document.contents === null) return [];
  if (!isMap(document.contents)) throw new MeshError("MM201", `${file} must be a YAML map of settings`);
  const entries: FileEntry[] = [];
  const walk = (map: import("yaml").YAMLMap, prefix: readonly string[]) => {
    for (const pair of map.items) {
      const keys = [...prefix, String(isScalar(pair.key) ? pair.key.value : pair.key)];
      const offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
      if (isMap(pair.value) && pair.value.items.length > 0) walk(pair.value, keys);
      else {
        const value = (pair.value as { toJSON?: () => unknown } | null)?.toJSON?.() ?? null;
        if (value !== null) {
          entries.push({ path: keys.join("."), keys, value, place: `${file}:${lines.linePos(offset).line}` });
        }
      }
    }
  };
  walk(document.contents, []);
  return entries;
}
