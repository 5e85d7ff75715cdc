/** Variables of the program itself, whatever its role; those of a role are in its own table. */
export const PROGRAM_VARIABLES: ReadonlySet<string> = new Set([
  "MONOMESH_CACHE_DIR",
  "MONOMESH_CALLED_AS",
  "MONOMESH_DEBUG",
  "MONOMESH_DIST",
  "MONOMESH_IGNORE_KUMA_ENV",
  "MONOMESH_LOG_FORMAT",
  "MONOMESH_SQLITE_DRIVER",
]);
