/** What a code means. `explain` is the text of `monomesh explain CODE`. */
export interface ErrorRow {
  readonly title: string;
  readonly kind: "user" | "system";
  /** HTTP status when the error leaves through REST or `/bootstrap`. */
  readonly http: number;
  /** Exit code of the process when the error ends a command: 1 refused or failed, 2 wrong usage, 64 wrong program. */
  readonly exit: number;
  readonly explain: string;
}

const row = (title: string, kind: "user" | "system", http: number, explain: string, exit = 1): ErrorRow => ({
  title,
  kind,
  http,
  exit,
  explain,
});

/**
 * The one table of error codes. Ranges: 1xx definitions and usage, 12x reaching the control plane, 2xx configuration,
 * 3xx tokens and trust, 4xx resources and REST, 5xx stores, 6xx Envoy and the sidecar, 7xx xDS, 8xx plugins, 9xx defects.
 */
export const ERROR_TABLE = {
  MM100: row("Wrong usage", "user", 400, "The command was not understood. Its help lists what it takes.", 2),
  MM101: row("Wrong program", "user", 400, "The command belongs to another role of the executable.", 64),
  MM104: row(
    "Invalid definition",
    "user",
    400,
    "A resource definition has problems; all of them are listed with their place.",
  ),
  MM105: row("File problem", "user", 400, "A file could not be read or written."),
  MM120: row("Control plane unreachable", "user", 502, "No answer came from the control plane's address."),
  MM121: row(
    "Not a control plane",
    "user",
    502,
    "Something else answered at the control plane's address, or the port is another server's.",
  ),
  MM201: row("Invalid configuration", "user", 400, "A setting is unknown or has a value that cannot be used."),
  MM202: row("Port in use", "user", 400, "Another process listens on a port that is needed."),
  MM301: row("Not authenticated", "user", 401, "No token was given, or it is not valid."),
  MM302: row("Access denied", "user", 403, "The caller may not do this."),
  MM305: row("Token not valid now", "user", 401, "The token is expired or not valid yet; both clocks are shown."),
  MM306: row("Token revoked", "user", 401, "The token's identifier (jti) stands in a revocation list."),
  MM307: row(
    "Signing key unusable",
    "user",
    400,
    "A signing key in the store or in the configuration is missing or is no RSA key in PEM.",
  ),
  MM310: row("Token forged or unknown key", "user", 401, "The signature does not match a signing key of the mesh."),
  MM311: row("Token for another proxy", "user", 403, "The token does not allow this Dataplane."),
  MM320: row("Control plane not trusted", "user", 502, "The control plane's certificate could not be verified."),
  MM321: row(
    "CA unusable",
    "user",
    500,
    "The control plane's own CA in the store is damaged; put back a good one, or delete it for a new one.",
  ),
  MM400: row("Invalid request", "user", 400, "The request could not be understood."),
  MM404: row("Not found", "user", 404, "The resource does not exist."),
  MM405: row("Method not allowed", "user", 405, "The resource type cannot be written."),
  MM406: row("Mesh not found", "user", 404, "The mesh that the path or the definition names does not exist."),
  MM409: row("Conflict", "user", 409, "The resource was changed by someone else meanwhile."),
  MM413: row("Body too large", "user", 413, "The body of the request is larger than this server takes."),
  MM415: row("Unsupported media type", "user", 415, "The body must be JSON and say so in content-type."),
  MM429: row("Too many watchers", "user", 429, "The control plane serves only so many streams of events at a time."),
  MM500: row("Store failed", "system", 500, "The store could not do what was asked; nothing was changed."),
  MM501: row("Store busy elsewhere", "user", 500, "Another process holds the store."),
  MM502: row(
    "Store not migrated",
    "user",
    500,
    "The store's database does not have the tables that this version needs. monomesh cp migrate up makes them.",
  ),
  MM503: row("Store unavailable", "system", 503, "The store cannot be reached or written now; proxies keep running."),
  MM510: row("Revision gone", "system", 410, "Changes since that revision are no longer kept; list again."),
  MM511: row("Fenced", "system", 409, "A newer owner of this proxy exists; the write of the older one is refused."),
  MM600: row("Envoy not found", "user", 500, "No Envoy executable was found."),
  MM601: row("Envoy failed", "user", 500, "Envoy did not start or ended by itself."),
  MM700: row("Stream refused", "user", 400, "The control plane refused the proxy's stream."),
  MM710: row(
    "Inbound address taken",
    "user",
    409,
    "Two connected Dataplanes of a mesh cannot have the same inbound address and port: traffic would go to either of them.",
  ),
  MM801: row("Plugin failed", "user", 500, "A plugin could not be loaded, or broke its contract."),
  MM900: row(
    "Defect",
    "system",
    500,
    "Something happened that the code did not expect. Please report it with the log.",
  ),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_TABLE;
