import { MeshError } from "../../../core/kernel/errors.ts";

export const OUTPUT_FORMATS = ["table", "wide", "yaml", "json", "name"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export function outputFormat(word: string): OutputFormat {
  const found = OUTPUT_FORMATS.find((format) => format === word);
  if (found) return found;
  throw new MeshError("MM100", `-o ${word} is no output format`, { todo: `One of ${OUTPUT_FORMATS.join(", ")}.` });
}

export async function documentText(format: "yaml" | "json", document: unknown): Promise<string> {
  if (format === "json") return `${JSON.stringify(document, null, 2)}\n`;
  const { stringify } = await import("yaml");
  return stringify(document);
}
