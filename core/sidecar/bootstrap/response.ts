import { MeshError } from "../../kernel/errors.ts";

/** What the supervisor uses of the answer to `POST /bootstrap` (contract, section 3.3). */
export interface BootstrapResponse {
  /** Envoy's bootstrap as JSON, as the control plane made it. */
  readonly bootstrap: Record<string, unknown>;
  /** One start of one sidecar, minted by a monomesh control plane; undefined from a stock one. */
  readonly incarnation: string | undefined;
  /** What only a monomesh control plane says (docs/wire.md). */
  readonly extra: MonomeshExtra;
}

export interface MonomeshExtra {
  /** The control plane's clock, milliseconds since 1970. */
  readonly time?: number;
  /** Indirect: the Dataplane as it is stored. */
  readonly dataplane?: Readonly<Record<string, unknown>>;
  /** Outbound services that nobody offers, each with the nearest that somebody does. */
  readonly unknownServices?: Readonly<Record<string, string | null>>;
}

/** Reads the answer; JSON inside as ours is, YAML as a stock control plane's. MM121 when it is none. */
export async function readBootstrapResponse(body: string): Promise<BootstrapResponse> {
  const answer = parse(body, "the answer");
  const encoded = answer["bootstrap"];
  if (typeof encoded !== "string") throw notABootstrap("it has no field bootstrap");
  const bootstrap = await readBootstrap(Buffer.from(encoded, "base64").toString("utf8"));
  const extra = isObject(answer["monomesh"]) ? answer["monomesh"] : {};
  const metadata = isObject(bootstrap["node"]) ? bootstrap["node"]["metadata"] : undefined;
  const incarnation = [extra["incarnation"], isObject(metadata) ? metadata["monomesh.incarnation"] : undefined].find(
    (each) => typeof each === "string" && each !== "",
  );
  return { bootstrap, incarnation: incarnation as string | undefined, extra: extra as MonomeshExtra };
}

async function readBootstrap(text: string): Promise<Record<string, unknown>> {
  if (text.startsWith("{")) return parse(text, "Envoy's bootstrap");
  const { parse: parseYaml } = await import("yaml");
  try {
    const value: unknown = parseYaml(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw notABootstrap((cause as Error).message);
  }
  throw notABootstrap("Envoy's bootstrap in it is no map");
}

function parse(text: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw notABootstrap(`${what} is no JSON object`);
}

function notABootstrap(why: string): MeshError {
  return new MeshError("MM121", "the control plane's answer is no bootstrap", { why });
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
