import { PROGRAM_VARIABLES } from "../../core/kernel/settings/program-variables.ts";
import { monomeshVariable } from "../../core/kernel/settings/setting.ts";
import { SETTING_LIST } from "./settings-table.ts";

/**
 * Says which variables belong to the program itself or to the sidecar, which may share an environment file. The sidecar's
 * table is loaded only if some variable is in none of ours.
 */
export async function foreignVariables(
  env: Readonly<Record<string, string | undefined>>,
): Promise<(name: string) => boolean> {
  const own = new Set(SETTING_LIST.flatMap(({ path, kumaVariable }) => [monomeshVariable(path), kumaVariable ?? ""]));
  const unknown = Object.keys(env).some(
    (name) => /^(MONOMESH|KUMA)_/.test(name) && !own.has(name) && !PROGRAM_VARIABLES.has(name),
  );
  if (!unknown) return (name) => PROGRAM_VARIABLES.has(name);
  const { isSidecarVariable } = await import("../../core/sidecar/options/option-table.ts");
  return (name) => PROGRAM_VARIABLES.has(name) || isSidecarVariable(name);
}
