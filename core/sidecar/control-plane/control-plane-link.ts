import { openTrust, type Trust } from "../trust/open-trust.ts";
import { isVerdict } from "../trust/trust-problems.ts";
import { type Answer, postJson } from "./post.ts";
import type { TokenSource } from "./token-source.ts";

export interface LinkOptions {
  /** `--cp-address`. */
  readonly address: string;
  readonly caCert: string | undefined;
  readonly skipVerify: boolean;
  readonly token: TokenSource;
}

/** Who the control plane is and how it is recognised, for every connection of the sidecar. */
export class ControlPlaneLink {
  readonly #options: LinkOptions;
  #trust: Promise<Trust> | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  /** Finds a way to trust the control plane, once; the handshakes for it are not repeated until `failed` says so. */
  trust(signal: AbortSignal): Promise<Trust> {
    if (this.#trust) return this.#trust;
    const opening = this.#open(signal);
    this.#trust = opening;
    // A failure is only for those who wait for it now; the next one tries anew.
    opening.catch(() => {
      if (this.#trust === opening) this.#trust = undefined;
    });
    return opening;
  }

  async #open(signal: AbortSignal): Promise<Trust> {
    const { address, caCert, skipVerify, token } = this.#options;
    return openTrust({ address, caCert, skipVerify, token: await token.current(), signal });
  }

  /** A connection failed. If the certificate was the reason, the control plane has another one now: look again. */
  failed(error: unknown): void {
    if (isVerdict(String((error as NodeJS.ErrnoException | undefined)?.code ?? ""))) this.#trust = undefined;
  }

  /** `POST` of JSON with the token; rejects with the connection's error or a MeshError of trust. */
  async post(path: string, body: unknown, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const trust = await this.trust(signal);
    const credential = await this.#options.token.current();
    try {
      return await postJson(trust, path, body, { timeoutMs, signal, credential });
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }
}
