/** What a user needs to know of a control plane that has just started (ux.md, section 3.1). */
export interface ControlPlaneFacts {
  readonly workDir: string;
  /** `sqlite`, `memory` or a plugin's name. */
  readonly store: string;
  /** True at the first start on this store. */
  readonly fresh: boolean;
  /** SHA-256 of the CA's public key, hex. */
  readonly caDigest: string;
  /** False: the user's own certificate is used (`general.tlsCertFile`). */
  readonly ownCa: boolean;
  readonly dpUrls: readonly string[];
  readonly apiUrl: string;
  /** True when the REST server can be reached from other machines. */
  readonly apiOpen: boolean;
  readonly diagnosticsUrl: string;
  readonly meshes: readonly string[];
  readonly dataplanes: number;
  readonly authType: string;
}

/** The first lines of `cp run` on a terminal. */
export function createBanner(
  facts: ControlPlaneFacts,
  ready: { readonly seconds: number; readonly version: string },
): string {
  const [first = "", ...others] = facts.dpUrls;
  const lines = [
    `monomesh ${ready.version} control plane (speaks Kuma 2.14)`,
    row(
      "state",
      `${facts.workDir}, ${facts.store}, ${facts.fresh ? "new" : `${facts.dataplanes} dataplanes`}${facts.store === "memory" ? " (lost when it stops)" : ""}`,
    ),
    row(
      "identity",
      `${facts.ownCa ? "own CA" : "your certificate"}, SHA-256 ${shortDigest(facts.caDigest)}; tokens carry it, sidecars need no CA file`,
    ),
    row(
      "sidecars",
      first + (others.length > 0 ? `   (also ${others.map((url) => new URL(url).hostname).join(", ")})` : ""),
    ),
    row(
      "api",
      `${facts.apiUrl}   writes only from this machine${facts.apiOpen ? "" : "; not reachable from elsewhere"}`,
    ),
    row("ready", facts.diagnosticsUrl),
    ...(facts.apiOpen
      ? [
          row(
            "warning",
            `0.0.0.0:${new URL(facts.apiUrl).port} has no TLS; anybody on the network can read the mesh. Close it:`,
          ),
          row("", "MONOMESH_API_SERVER_HTTP_INTERFACE=127.0.0.1"),
        ]
      : []),
    ...(facts.authType === "none"
      ? [row("warning", "dpServer.authn.dpProxy.type is none: any sidecar may join as anything")]
      : []),
    `ready in ${ready.seconds.toFixed(2)} s. ${meshes(facts)}, ${facts.dataplanes} dataplane${facts.dataplanes === 1 ? "" : "s"}.`,
  ];
  if (facts.fresh) {
    lines.push(
      "",
      "Next:  monomesh generate dataplane-token --name redis-1 > redis-1.token     (here)",
      "       monomesh help quickstart",
    );
  }
  return `${lines.join("\n")}\n\n`;
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(9)}  ${text}`;
}

function meshes({ meshes: names }: ControlPlaneFacts): string {
  if (names.length === 1) return `Mesh "${names[0]}"`;
  return names.length === 0 ? "No mesh" : `${names.length} meshes`;
}

/** `4f9c 21e0 … b7d3`: enough to compare by eye. */
function shortDigest(hex: string): string {
  return `${hex.slice(0, 4)} ${hex.slice(4, 8)} … ${hex.slice(-4)}`;
}
