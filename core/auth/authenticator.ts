import type { PluginContext } from "../kernel/plugin.ts";
import { token } from "../kernel/token.ts";
import type { Resource, ResourceDraft } from "../model/resource.ts";
import type { ResourceStore } from "../store/resource-store.ts";

/** Port of the plugin kind `auth`: who may act as which proxy (contract, section 6.2). */
export interface ProxyAuthenticator {
  /**
   * Resolves if the credential allows to act as this Dataplane, as given (presented or stored). Rejects with MM301,
   * MM305, MM306, MM310 or MM311, with a text that a person at the sidecar's terminal understands.
   */
  authenticate(credential: string | undefined, dataplane: ResourceDraft | Resource): Promise<void>;
}

export const ProxyAuthenticator = token<ProxyAuthenticator>("ProxyAuthenticator");

/** What the host gives a plugin of kind `auth` beside what every plugin gets. */
export interface AuthPluginContext extends PluginContext {
  readonly store: ResourceStore;
  /** Digests that this control plane's own tokens carry now (`ControlPlaneCa.publicKeyDigests`), to tell foreign tokens apart. */
  readonly cpCa: () => readonly string[];
}

/** What `POST /tokens/dataplane` takes (contract, section 6.3). */
export interface DataplaneTokenRequest {
  readonly mesh: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, readonly string[]>>;
  /** `dataplane`, `ingress`, `egress` or empty. */
  readonly type: string;
  readonly workload: string;
  /** Milliseconds. */
  readonly validFor: number;
}

/** Makes tokens with the signing keys of the store. */
export interface TokenIssuer {
  issueDataplaneToken(request: DataplaneTokenRequest): Promise<string>;
}

export const TokenIssuer = token<TokenIssuer>("TokenIssuer");

/** Makes sure that a mesh has what its tokens need; called when a mesh was made, cheap when all is there. */
export interface SigningKeys {
  ensureForMesh(mesh: string): Promise<void>;
}

export const SigningKeys = token<SigningKeys>("SigningKeys");
