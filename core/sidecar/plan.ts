import type { ControlPlaneLink } from "./control-plane/control-plane-link.ts";
import type { TokenSource } from "./control-plane/token-source.ts";
import type { Definition } from "./definition/check-definition.ts";
import type { EnvoyBinary } from "./envoy/envoy-binary.ts";
import type { EnvoyVersion } from "./envoy/envoy-version.ts";
import type { SidecarOptions } from "./options/read-options.ts";

export interface FoundEnvoy extends EnvoyBinary, EnvoyVersion {}

/** All that is known before anything is started or sent. */
export interface SidecarPlan {
  readonly mesh: string;
  readonly name: string;
  /** Direct: what the user wrote. Indirect: undefined. */
  readonly definition: Definition | undefined;
  /** Where the definition came from: a file's name, `stdin`. */
  readonly definitionLabel: string | undefined;
  readonly options: SidecarOptions;
  readonly token: TokenSource;
  readonly link: ControlPlaneLink;
  /** Already being looked for, so that its 50 ms pass beside the reading of the definition. */
  readonly envoy: Promise<FoundEnvoy>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** When the start began, on the clock's monotonic scale. */
  readonly startedAt: number;
}
