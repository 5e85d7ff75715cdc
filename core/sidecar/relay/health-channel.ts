import type { Duplex } from "node:stream";
import { createMessageSplitter, frameMessage } from "../../grpc/framing.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Scope } from "../../kernel/scope.ts";
import { HEALTH_METHOD } from "../../model/dataplane/sidecar-health.ts";
import type { Workload } from "../../model/types/dataplane.ts";
import type { ApplicationProbes } from "../probes/application-probes.ts";
import { type CallOutcome, outcomeOf } from "./refusal.ts";
import type { Upstream } from "./upstream.ts";

export interface HealthChannelOptions {
  readonly upstream: Upstream;
  /** `<mesh>.<name>` */
  readonly node: string;
  readonly incarnation: string;
  readonly probes: ApplicationProbes;
  readonly clock: Clock;
  readonly scope: Scope;
}

/** A stream that the control plane ended is opened again after this time, doubled up to the limit; milliseconds. */
const REOPEN_MIN = 500;
const REOPEN_MAX = 10_000;

/**
 * The supervisor's own stream to the control plane, beside those of Envoy that it relays: it reports each change of the
 * applications' health at once, and is told when the stored definition asks for other probes (docs/wire.md). It is open
 * whenever the control plane can be reached; each opening begins with the present state, so nothing is lost meanwhile. A
 * sidecar that brought its own definition and probes nothing opens it only when there is something to say: most never do.
 */
export class HealthChannel {
  readonly #options: HealthChannelOptions;
  #stream: Duplex | undefined;
  #waiting: Disposable | undefined;
  #failures = 0;
  #started = false;

  constructor(options: HealthChannelOptions) {
    this.#options = options;
    const { probes, scope } = options;
    scope.own(probes.onChange(() => this.#report()));
    scope.defer(() => {
      this.#waiting?.[Symbol.dispose]();
      this.#stream?.destroy();
    });
    if (probes.health.sequence > 0) this.#start();
  }

  #report(): void {
    if (this.#started) this.#stream?.write(frameMessage(JSON.stringify(this.#options.probes.health)));
    else this.#start();
  }

  #start(): void {
    this.#started = true;
    if (this.#options.upstream.available) void this.#open();
    else this.#openWithNextConnection();
  }

  #openWithNextConnection(): void {
    const { upstream, scope } = this.#options;
    this.#waiting?.[Symbol.dispose]();
    if (scope.closed) return;
    this.#waiting = upstream.onAvailable(() => {
      this.#waiting?.[Symbol.dispose]();
      void this.#open();
    });
  }

  async #open(): Promise<void> {
    const { upstream, node, incarnation, probes } = this.#options;
    const headers = { "content-type": "application/grpc", te: "trailers" };
    try {
      const stream = await upstream.open(
        { path: HEALTH_METHOD, headers },
        {
          onHeaders: (answer, final) => final && this.#ended(outcomeOf(HEALTH_METHOD, answer)),
          onEnd: (trailers) => this.#ended(outcomeOf(HEALTH_METHOD, trailers)),
          onLost: () => this.#lost(),
        },
      );
      this.#stream = stream;
      const messages = createMessageSplitter((message) => this.#read(message));
      stream.on("data", (chunk: Buffer) => {
        if (messages.push(chunk)) stream.destroy();
      });
      stream.write(frameMessage(JSON.stringify({ node, incarnation, ...probes.health })));
    } catch {
      this.#reopenLater();
    }
  }

  #read(message: Buffer): void {
    try {
      const { workloads } = JSON.parse(message.toString()) as { readonly workloads: readonly Workload[] };
      this.#failures = 0;
      this.#options.probes.follow(workloads);
    } catch {
      // Not what was agreed on: the next stream may have more sense.
      this.#stream?.destroy();
    }
  }

  #lost(): void {
    this.#stream = undefined;
    this.#reopenLater();
  }

  /** The control plane ended it. One that does not know this stream will not learn it before it is another one. */
  #ended({ status }: CallOutcome): void {
    this.#stream = undefined;
    if (status === UNIMPLEMENTED) this.#openWithNextConnection();
    else this.#reopenLater();
  }

  #reopenLater(): void {
    const { upstream, clock, scope } = this.#options;
    if (!upstream.available) {
      this.#openWithNextConnection();
      return;
    }
    this.#waiting?.[Symbol.dispose]();
    if (scope.closed) return;
    const delay = Math.min(REOPEN_MIN * 2 ** this.#failures++, REOPEN_MAX);
    this.#waiting = clock.after(delay, () => void this.#open());
  }
}

const UNIMPLEMENTED = 12;
