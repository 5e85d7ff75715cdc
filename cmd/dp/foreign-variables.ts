import { OUR_PREFIX } from "../../core/sidecar/options/option.ts";
import { isSidecarVariable } from "../../core/sidecar/options/option-table.ts";

/** Variables of the program itself, whatever its role. */
const PROGRAM_VARIABLES = [
  "MONOMESH_CACHE_DIR",
  "MONOMESH_CALLED_AS",
  "MONOMESH_DEBUG",
  "MONOMESH_DIST",
  "MONOMESH_IGNORE_KUMA_ENV",
  "MONOMESH_LOG_FORMAT",
];

/**
 * The `MONOMESH_` variables that are set and not the sidecar's, but known: the program's own, and the control plane's, which
 * may share an environment file. Its table is loaded only if there is such a variable.
 */
export async function foreignVariables(
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlySet<string>> {
  const known = new Set(PROGRAM_VARIABLES);
  const others = Object.keys(env).filter(
    (name) => name.startsWith(OUR_PREFIX) && !isSidecarVariable(name) && !known.has(name),
  );
  if (others.length === 0) return known;
  const [{ SETTING_LIST, isForeignVariable }, { monomeshVariable }] = await Promise.all([
    import("../cp/settings-table.ts"),
    import("../../core/kernel/settings/setting.ts"),
  ]);
  for (const setting of SETTING_LIST) known.add(monomeshVariable(setting.path));
  for (const name of others)
    if (isForeignVariable(name) && !/^MONOMESH_(DATAPLANE|CONTROL_PLANE|READINESS|DNS)_/.test(name)) known.add(name);
  return known;
}
