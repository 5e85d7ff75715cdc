import { MeshError } from "../../kernel/errors.ts";
import { isJsonObject } from "../shape/proto-json.ts";

/**
 * What our own sidecar knows of the applications behind its inbounds, by inbound port. As JSON it is the header
 * `monomesh-health` of each ADS stream, and the message by which a change is reported (docs/wire.md).
 */
export interface SidecarHealth {
  /**
   * Grows with each change within one start of a sidecar: of two reports the higher one is the newer. 0: it has nothing to
   * say and does not follow the stored definition, so a probe that it did not bring itself does not count.
   */
  readonly sequence: number;
  /** Ports that must not get traffic: the application does not answer, or nothing is known yet. */
  readonly notReady: readonly number[];
  /** Ports that the sidecar looks after; a port with a service probe that is not among them counts as not ready. */
  readonly probed: readonly number[];
  /** What is wrong with the sidecar itself, one plain sentence: `Envoy is stopped by a signal`. Absent if nothing is. */
  readonly trouble?: string | undefined;
  /** With a stream only: how the Envoy before this one ended, if it was not asked to: `SIGSEGV: Caught Segmentation fault`. */
  readonly envoyEnd?: string | undefined;
}

export const HEALTH_HEADER = "monomesh-health";

/** gRPC method of our own sidecar's health stream: JSON messages both ways. */
export const HEALTH_METHOD = "/monomesh.v1.HealthService/StreamHealth";

/** Takes the fields out of JSON that a sidecar sent; MM400 if they are not as they should be. */
export function readHealth(json: unknown): SidecarHealth {
  if (isJsonObject(json)) {
    const { sequence, notReady, probed } = json;
    if (Number.isSafeInteger(sequence) && (sequence as number) >= 0 && isPorts(notReady) && isPorts(probed)) {
      return {
        sequence: sequence as number,
        notReady,
        probed,
        ...sentence(json, "trouble"),
        ...sentence(json, "envoyEnd"),
      };
    }
  }
  throw new MeshError("MM400", "a report of health must have a sequence, and the ports notReady and probed");
}

/** As the value of a header, which is ASCII. */
export function healthToHeader(health: SidecarHealth): string {
  const text = JSON.stringify(health, (_key, value) =>
    typeof value === "string" ? value.slice(0, LONGEST_SENTENCE) : value,
  );
  return text.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** As `readHealth`, from text. */
export function healthFromText(text: string): SidecarHealth {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new MeshError("MM400", `a report of health is not JSON: ${(cause as Error).message}`);
  }
  return readHealth(json);
}

function sentence<Name extends string>(json: Record<string, unknown>, name: Name): { readonly [N in Name]?: string } {
  const text = json[name];
  return typeof text === "string" && text !== ""
    ? ({ [name]: text.slice(0, LONGEST_SENTENCE) } as { readonly [N in Name]?: string })
    : {};
}

const LONGEST_SENTENCE = 200;
const MOST_PORTS = 1000;

function isPorts(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= MOST_PORTS &&
    value.every((port) => Number.isInteger(port) && port >= 1 && port <= 65_535)
  );
}
