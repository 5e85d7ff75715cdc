import type { Clock } from "../../kernel/clock.ts";
import type { Scope } from "../../kernel/scope.ts";
import type { FailureDirection } from "../../model/request-failure.ts";
import { type DataplaneSpec, inboundsOf, outboundsOf, serviceOf } from "../../model/types/dataplane.ts";
import type { ControlPlaneLink } from "../control-plane/control-plane-link.ts";
import type { Leaver } from "../control-plane/leave.ts";
import type { RelayOptions } from "../relay/relay.ts";
import { FAILURE_LOG_PATH, FailureLog } from "./failure-log.ts";
import { FailureReporter } from "./failure-reporter.ts";

export interface OpenFailureLogOptions {
  readonly spec: DataplaneSpec | undefined;
  readonly link: ControlPlaneLink;
  readonly clock: Clock;
  readonly scope: Scope;
  /** See `FailureReporterOptions`. */
  who(): Leaver | undefined;
}

/** What the session with Envoy and the control plane needs so that failed requests are kept and reported. */
export function openFailureLog(options: OpenFailureLogOptions): {
  readonly local: RelayOptions["local"];
  connected(): void;
} {
  const { spec, clock, scope } = options;
  const log = new FailureLog({
    clock,
    scope,
    serviceAt: (direction, listener) => spec && serviceAt(spec, direction, listener),
    onFailures: () => reporter.wake(),
  });
  const reporter = new FailureReporter(log, options);
  return { local: { [FAILURE_LOG_PATH]: (stream) => void log.serve(stream) }, connected: () => reporter.reportAll() };
}

/** An inbound may listen on all addresses, so its port tells. */
function serviceAt(
  spec: DataplaneSpec,
  direction: FailureDirection,
  { address, port }: { readonly address: string; readonly port: number },
): string | undefined {
  if (direction === "outbound")
    return outboundsOf(spec).find((each) => each.port === port && each.address === address)?.service;
  const inbound = inboundsOf(spec).find((each) => each.port === port);
  return inbound && serviceOf(inbound);
}
