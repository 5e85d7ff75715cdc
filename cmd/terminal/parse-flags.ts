import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { MeshError } from "../../core/kernel/errors.ts";

/** Flags and words of a command line; MM100 for flags that there are not. `help` is the command that lists them. */
export function parseFlags<const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
  help: string,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true as const });
  } catch (cause) {
    // The sentences after the first explain Node's own syntax.
    const [what = "wrong usage"] = (cause as Error).message.split(". ");
    throw new MeshError("MM100", what, { todo: `Help: ${help}`, cause });
  }
}
