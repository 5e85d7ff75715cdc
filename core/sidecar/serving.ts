import type { Clock } from "../kernel/clock.ts";
import type { EnvoyAdmin } from "./envoy/envoy-admin.ts";

export interface ServingOptions {
  readonly admin: EnvoyAdmin;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Ports of the inbounds that must listen. */
  readonly inboundPorts: readonly number[];
  /** Told once when it takes long. */
  onDelay(waitingFor: string): void;
}

const LIVE = "LIVE";
const FIRST_POLLS_MS = 10;
const LATER_POLLS_MS = 100;
const SLOW_AFTER_MS = 3000;

/** Resolves when Envoy is live and every inbound has its listener; rejects when the signal aborts. */
export async function waitUntilServing(options: ServingOptions): Promise<void> {
  const { admin, clock, signal } = options;
  const started = clock.monotonic();
  let told = false;
  for (;;) {
    const missing = await missingPart(options);
    signal.throwIfAborted();
    if (missing === undefined) return;
    const waited = clock.monotonic() - started;
    if (!told && waited > SLOW_AFTER_MS) {
      told = true;
      options.onDelay(missing);
    }
    await clock.sleep(waited < 1000 ? FIRST_POLLS_MS : LATER_POLLS_MS, signal);
  }

  async function missingPart({ inboundPorts }: ServingOptions): Promise<string | undefined> {
    const ready = await admin.ready();
    if (ready?.state !== LIVE) return ready ? "the configuration from the control plane" : "Envoy";
    const names = (await admin.listeners()).map((each) => each.name);
    const absent = inboundPorts.filter(
      (port) => !names.some((name) => name.startsWith("inbound:") && name.endsWith(`:${port}`)),
    );
    return absent.length === 0 ? undefined : `a listener for inbound port ${absent.join(", ")}`;
  }
}
