import { MeshError, toMeshError } from "../../kernel/errors.ts";
import type { ControlPlaneAddress } from "../trust/address.ts";
import { openTrust, type Trust } from "../trust/open-trust.ts";
import { isVerdict } from "../trust/trust-problems.ts";
import { type Answer, postJson } from "./post.ts";
import { parseAddresses, type Resolve, type Target, Targets, targetText } from "./targets.ts";
import type { TokenSource } from "./token-source.ts";

export interface LinkOptions {
  /** `--cp-address`: one URL, or several separated by commas. */
  readonly address: string;
  /** Of the sidecar: which control plane it tries first. */
  readonly name: string;
  readonly caCert: string | undefined;
  readonly skipVerify: boolean;
  readonly token: TokenSource;
  /** How names are looked up. Default: the system's way. */
  readonly resolve?: Resolve | undefined;
}

/** With somewhere else to go, a control plane that does not answer is not waited for as long; milliseconds. */
const HURRIED_HANDSHAKE_MS = 1500;

/**
 * Who the control plane is and how it is recognised, for every connection of the sidecar. Of several control planes one is
 * used for everything until it fails; then it is the next one's turn.
 */
export class ControlPlaneLink {
  readonly addresses: readonly ControlPlaneAddress[];
  readonly #options: LinkOptions;
  readonly #targets: Targets;
  /** How each control plane was recognised, by its text: going back to one costs no handshakes beside the connection's own. */
  readonly #known = new Map<string, Trust>();
  #trust: Promise<Trust> | undefined;

  /** MM100 when an address is no https URL. */
  constructor(options: LinkOptions) {
    this.#options = options;
    this.addresses = parseAddresses(options.address);
    this.#targets = new Targets(this.addresses, options.name, options.resolve);
  }

  /** As it was given. */
  get address(): string {
    return this.#options.address;
  }

  /** Whether there is another control plane to go to. */
  get several(): boolean {
    return this.addresses.length > 1 || this.#targets.size > 1;
  }

  /**
   * Finds a control plane that answers and a way to trust it, once; the handshakes for it are not repeated until `failed`
   * says so. Rejects with the reason, or with all of them when several were tried.
   */
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

  /**
   * A connection failed that was made with this trust (or none came about). With several control planes it is the next
   * one's turn. With one, nothing but its certificate can be the reason to look again.
   */
  async failed(error: unknown, trust: Trust | undefined): Promise<void> {
    const present = this.#trust;
    if (!present || !trust || (await present.catch(() => undefined)) !== trust || this.#trust !== present) return;
    const verdict = isVerdict(String((error as NodeJS.ErrnoException | undefined)?.code ?? ""));
    if (verdict) this.#known.delete(targetText(trust));
    if (this.several) this.#targets.next();
    if (this.several || verdict) this.#trust = undefined;
  }

  /** The control plane answered that it cannot serve now: another one may. */
  unwell(): void {
    if (!this.several) return;
    this.#targets.next();
    this.#trust = undefined;
  }

  /**
   * `POST` of JSON with the token; rejects with the connection's error or a MeshError of trust. With several control
   * planes the others are tried too: all that is posted may arrive twice.
   */
  async post(path: string, body: unknown, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      const trust = await this.trust(signal);
      const credential = await this.#options.token.current();
      try {
        return await postJson(trust, path, body, { timeoutMs, signal, credential });
      } catch (error) {
        await this.failed(error, trust);
        if (signal.aborted || tries >= this.#targets.size) throw error;
      }
    }
  }

  /** Finds out ahead how the other control planes are recognised, so that a move to one is quick. Never rejects. */
  async prepare(signal: AbortSignal): Promise<void> {
    for (const target of this.#targets.all) {
      // One that cannot be reached now is looked at again when it is needed.
      if (!signal.aborted) await this.#recognise(target, signal).catch(() => undefined);
    }
  }

  async #open(signal: AbortSignal): Promise<Trust> {
    const errors: MeshError[] = [];
    for (;;) {
      const target = await this.#targets.current();
      try {
        return await this.#recognise(target, signal);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        errors.push(toMeshError(thrown));
        this.#targets.next();
        if (errors.length >= this.#targets.size) throw together(errors);
      }
    }
  }

  async #recognise(target: Target, signal: AbortSignal): Promise<Trust> {
    const known = this.#known.get(targetText(target));
    if (known) return known;
    const { caCert, skipVerify, token } = this.#options;
    const timeoutMs = this.#targets.size > 1 ? HURRIED_HANDSHAKE_MS : undefined;
    const common = { caCert, skipVerify, token: await token.current(), signal, timeoutMs };
    const trust = await openTrust({ ...common, address: `https://${target.address.text}`, ip: target.ip });
    this.#known.set(targetText(target), trust);
    return trust;
  }
}

/** All reasons of all control planes; one that waiting does not cure only counts if it is everybody's. */
function together(errors: readonly MeshError[]): MeshError {
  const [only] = errors;
  if (only && errors.length === 1) return only;
  const away = errors.find((each) => each.code === "MM120");
  return new MeshError(
    (away ?? errors[0])?.code ?? "MM120",
    `none of the ${errors.length} control planes can be used`,
    {
      why: errors.map((each) => each.message).join("; "),
      cause: (away ?? errors[0])?.cause,
    },
  );
}
