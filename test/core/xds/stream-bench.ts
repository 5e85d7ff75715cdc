import assert from "node:assert/strict";
import type { XdsType } from "../../../core/envoy/encoded-resource.ts";
import type { Snapshot } from "../../../core/push/snapshot.ts";
import { AdsStream } from "../../../core/xds/ads-stream.ts";
import { createChannelFactory } from "../../../core/xds/channels.ts";
import type { Variant } from "../../../core/xds/discovery-response.ts";
import { WireReader } from "../../../core/xds/wire-reader.ts";
import { SteppedClock } from "../../support/stepped-clock.ts";
import {
  type DeltaRequestInit,
  decodeDelta,
  decodeSotw,
  deltaRequest,
  makeSnapshot,
  type Picture,
  type SeenResponse,
  type SotwRequestInit,
  sotwRequest,
  wholeMessage,
} from "./fixtures.ts";

const channels = createChannelFactory("cp-1");

/** An AdsStream with a hand in each of its ports: a test plays Envoy, the control plane, the transport and the clock. */
export class StreamBench {
  readonly clock = new SteppedClock();
  readonly stream: AdsStream;
  readonly variant: Variant;
  /** Everything that was sent, oldest first. */
  readonly sent: SeenResponse[] = [];
  /** `ack cluster`, `nack route: why`, `synced endpoint 3`. */
  readonly reports: string[] = [];
  readonly cuts: string[] = [];
  #nodeId = "default.web-1";
  #picture: Snapshot | undefined;
  #seen = 0;
  #blocked = false;
  #taken: (() => void) | undefined;
  readonly #nameOf = new Map<string, string>();

  constructor(variant: Variant) {
    this.variant = variant;
    this.stream = new AdsStream({
      channels: channels(variant),
      nodeId: this.#nodeId,
      clock: this.clock,
      session: {
        onSent: () => undefined,
        onAck: (type) => this.reports.push(`ack ${type}`),
        onNack: (type, message) => this.reports.push(`nack ${type}: ${message}`),
        onSynced: (type, revision) => this.reports.push(`synced ${type} ${revision}`),
      },
      port: {
        send: (message, taken) => {
          this.sent.push(this.#decode(wholeMessage(message)));
          if (this.#blocked) this.#taken = taken;
          else taken();
        },
        end: (error) => assert.fail(error),
        cut: (error) => this.cuts.push(error.message),
      },
    });
  }

  /** The control plane has a new picture. */
  update(revision: number, picture: Picture, size?: number): void {
    this.#picture = makeSnapshot(revision, picture, this.#picture, size);
    for (const list of Object.values(this.#picture.resources)) {
      for (const resource of list) {
        this.#nameOf.set(anyValue(resource.sotwChunk), `${resource.name}@${resource.version}`);
      }
    }
    this.stream.update(this.#picture);
  }

  /** Whether the newest content of a type was reported as held by the client. */
  reportsNewest(type: XdsType): boolean {
    const since = this.#picture?.since[type] ?? Number.POSITIVE_INFINITY;
    return this.reports.some((each) => {
      const [what, of, revision] = each.split(" ");
      return what === "synced" && of === type && Number(revision) >= since;
    });
  }

  delta(type: XdsType | string, init: DeltaRequestInit = {}): void {
    this.stream.onRequest(deltaRequest(type, init));
  }

  sotw(type: XdsType | string, init: SotwRequestInit = {}): void {
    this.stream.onRequest(sotwRequest(type, init));
  }

  /** What was sent since the last look: `cluster[a@1 b@1] -c`. */
  look(): string[] {
    const fresh = this.sent.slice(this.#seen);
    this.#seen = this.sent.length;
    return fresh.map(({ type, resources, removed }) =>
      [`${type}[${resources.join(" ")}]`, ...removed.map((name) => `-${name}`)].join(" "),
    );
  }

  /** Accepts the newest response of the type, with the names that the client listens for (state of the world). */
  ack(type: XdsType, names: readonly string[] = []): void {
    const nonce = this.lastNonce(type);
    if (this.variant === "delta") this.delta(type, { nonce });
    else this.sotw(type, { nonce, names });
  }

  nack(type: XdsType, error: string, names: readonly string[] = []): void {
    const nonce = this.lastNonce(type);
    if (this.variant === "delta") this.delta(type, { nonce, error });
    else this.sotw(type, { nonce, names, error });
  }

  lastNonce(type: XdsType): string {
    const response = this.sent.findLast((each) => each.type === type);
    if (!response) throw new Error(`no ${type} was sent`);
    return response.nonce;
  }

  /** The transport takes nothing more until `unblock`. */
  block(): void {
    this.#blocked = true;
  }

  /** The transport has passed on what it held. */
  take(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  unblock(): void {
    this.#blocked = false;
    this.take();
  }

  #decode(frame: Uint8Array): SeenResponse {
    if (this.variant === "delta") return decodeDelta(frame);
    return decodeSotw(
      frame,
      (value, type) => this.#nameOf.get(`${type} ${Buffer.from(value).toString("base64")}`) ?? "?",
    );
  }
}

/** `type base64(value)` of the Any in a state-of-the-world chunk. */
function anyValue(chunk: Uint8Array): string {
  const reader = new WireReader(chunk);
  reader.next();
  const any = reader.message();
  let type = "";
  let value = "";
  while (any.next()) {
    if (any.field === 1) type = any.string();
    else value = Buffer.from(any.bytes()).toString("base64");
  }
  const kind = { Cluster: "cluster", ClusterLoadAssignment: "endpoint", Secret: "secret", Listener: "listener" };
  return `${kind[type.split(".").at(-1) as "Cluster"] ?? "route"} ${value}`;
}
