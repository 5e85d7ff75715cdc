import { MeshError } from "./errors.ts";
import { monomeshVariable } from "./settings/setting.ts";

/** Turns a failed `listen` into an error that names the setting. `setting` is the path of the port in the configuration. */
export function listenError(thrown: unknown, host: string, port: number, setting: string): MeshError {
  const code = (thrown as { readonly code?: string }).code;
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  switch (code) {
    case "EADDRINUSE":
      return new MeshError("MM202", `${where} is in use by another process`, {
        where: setting,
        todo: `Stop that process (ss -ltnp shows it), or choose another port: ${monomeshVariable(setting)}`,
        cause: thrown,
      });
    case "EACCES":
      return new MeshError("MM202", `this user may not listen on ${where}`, {
        where: setting,
        todo: `Choose a port above 1023: ${monomeshVariable(setting)}`,
        cause: thrown,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAFNOSUPPORT":
      return new MeshError("MM201", `this machine has no address ${host}`, { where: setting, cause: thrown });
    default:
      return new MeshError("MM201", `cannot listen on ${where}`, {
        where: setting,
        why: thrown instanceof Error ? thrown.message : String(thrown),
        cause: thrown,
      });
  }
}
