import { PROGRAM_VARIABLES } from "../../core/kernel/settings/program-variables.ts";
import { OUR_PREFIX } from "../../core/sidecar/options/option.ts";
import { isSidecarVariable } from "../../core/sidecar/options/option-table.ts";

/**
 * The `MONOMESH_` variables that are set and not the sidecar's, but known: the program's own, and the control plane's, which
 * may share an environment file. Its table is loaded only if there is such a variable.
 */
export async function foreignVariables(
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlySet<string>> {
  const others = Object.keys(env).some(
    (name) => name.startsWith(OUR_PREFIX) && !isSidecarVariable(name) && !PROGRAM_VARIABLES.has(name),
  );
  if (!others) return PROGRAM_VARIABLES;
  const [{ SETTING_LIST }, { monomeshVariable }] = await Promise.all([
    import("../cp/settings-table.ts"),
    import("../../core/kernel/settings/setting.ts"),
  ]);
  return new Set([...PROGRAM_VARIABLES, ...SETTING_LIST.map(({ path }) => monomeshVariable(path))]);
}
