import { readFile } from "node:fs/promises";
import { MeshError } from "../../kernel/errors.ts";
import type { OptionValues } from "../options/option-table.ts";
import { OPTIONS } from "../options/option-table.ts";

export interface DefinitionSource {
  /** For messages: the file as the user named it, `stdin` or `--dataplane`. */
  readonly label: string;
  readonly text: string;
}

/** A definition is a few hundred lines; what is larger is another file. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads what the user gave: a file, `-` for stdin, or the text itself; a file wins. Undefined: Indirect. Rejects with
 * MM105 when it cannot be read and MM104 when it is empty (a forgotten pipe, an unset variable).
 */
export async function readDefinitionSource(
  values: OptionValues,
  stdin: AsyncIterable<string | Uint8Array>,
): Promise<DefinitionSource | undefined> {
  const file = values.dataplaneFile;
  if (!file && !values.dataplane) return undefined;
  const source = file
    ? file === "-"
      ? { label: "stdin", text: await readAll(stdin) }
      : { label: file, text: await readText(file) }
    : { label: `--${OPTIONS.dataplane.flag}`, text: values.dataplane };
  if (source.text.trim() === "") {
    throw new MeshError("MM104", `${source.label} is empty. Nothing was started.`, {
      todo: "It must hold the definition of a Dataplane: type, mesh, name, networking.",
    });
  }
  return { label: source.label, text: source.text.startsWith("\uFEFF") ? source.text.slice(1) : source.text };
}

async function readText(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > MAX_BYTES) throw tooLarge(file);
    return bytes.toString("utf8");
  } catch (cause) {
    if (cause instanceof MeshError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new MeshError("MM105", `cannot read ${file}: ${REASON[code ?? ""] ?? message}. Nothing was started.`, {
      ...(code === "ENOENT" ? { where: `looked in ${process.cwd()}` } : {}),
      cause,
    });
  }
}

const REASON: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
};

async function readAll(stdin: AsyncIterable<string | Uint8Array>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BYTES) throw tooLarge("stdin");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(label: string): MeshError {
  return new MeshError(
    "MM104",
    `${label} is larger than ${MAX_BYTES / 1024} KiB: not a definition. Nothing was started.`,
  );
}
