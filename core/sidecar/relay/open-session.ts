import type { Clock } from "../../kernel/clock.ts";
import type { MeshError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Scope } from "../../kernel/scope.ts";
import { HEALTH_HEADER, healthToHeader } from "../../model/dataplane/sidecar-health.ts";
import { NOTHING_STARTED, refusal, splitCode } from "../bootstrap/classify.ts";
import { targetText } from "../control-plane/targets.ts";
import type { SidecarPlan } from "../plan.ts";
import type { ApplicationProbes } from "../probes/application-probes.ts";
import { secondsText } from "../story/fact-text.ts";
import type { Trust } from "../trust/open-trust.ts";
import { ControlPlaneSession } from "./control-plane-session.ts";
import { HealthChannel } from "./health-channel.ts";
import { ADS, isRefusal } from "./refusal.ts";
import { openRelay, type RelayOptions } from "./relay.ts";

export interface OpenSessionOptions {
  readonly plan: SidecarPlan;
  /** Path of the Unix socket. */
  readonly socket: string;
  readonly probes: ApplicationProbes;
  /** Undefined at a stock control plane, which does not know what probes of a sidecar are. */
  readonly incarnation: string | undefined;
  readonly scope: Scope;
  readonly clock: Clock;
  readonly log: Logger;
  /** See `RelayOptions`. */
  readonly local: RelayOptions["local"];
  /** How the last Envoy ended by itself; forgotten once the control plane has been told. */
  readonly envoyEnd: { get(): string | undefined; forget(): void };
  /** The connection to the control plane stands, the first or another. */
  connected(): void;
  /** The sidecar cannot go on. */
  fail(error: MeshError): void;
  /** Whether it serves already: a refusal is then no reason to end. */
  served(): boolean;
}

/**
 * Opens the connection to the control plane and the socket through which Envoy uses it. A loss and a return are a line
 * each; a refusal ends the sidecar before it serves and is said once afterwards. Resolves when the socket listens.
 */
export async function openSession(options: OpenSessionOptions): Promise<void> {
  const { plan, socket, probes, incarnation, scope, clock, log } = options;
  let lostAt: number | undefined;
  let refused = false;
  /** Of the connection that is up, or of the last attempt. */
  let trust: Trust | undefined;
  const upstream = new ControlPlaneSession({
    async target() {
      trust = undefined;
      trust = await plan.link.trust(scope.signal);
      return { authority: `https://${trust.address.text}`, tls: trust.tlsOptions };
    },
    clock,
    scope,
    credential: () => plan.token.current(),
    onUp(again) {
      if (lostAt !== undefined && again) {
        const where = plan.link.several && trust ? ` at ${targetText(trust)}` : "";
        const after = secondsText(clock.monotonic() - lostAt);
        log.info("reconnected", `connected to the control plane again${where} after ${after}`);
      }
      lostAt = undefined;
      options.connected();
    },
    onDown(error, wasUp) {
      void plan.link.failed(error, trust);
      if (!wasUp || lostAt !== undefined) return;
      lostAt = clock.monotonic();
      log.warn("disconnected", `lost the control plane (${error.message}); Envoy goes on with what it has`);
    },
  });
  await openRelay({
    socket,
    upstream,
    scope,
    clock,
    local: options.local,
    // A stream that joins or comes back must not serve traffic on what was true before.
    extraHeaders: (path) =>
      incarnation !== undefined && path.includes(ADS)
        ? { [HEALTH_HEADER]: healthToHeader({ ...probes.health, envoyEnd: options.envoyEnd.get() }) }
        : {},
    onAnswered(path) {
      if (path.includes(ADS)) options.envoyEnd.forget();
      refused = false;
    },
    onOutcome(outcome) {
      if (!isRefusal(outcome)) return;
      const error = refusal(splitCode(outcome.message).sentence, { name: plan.name, tokenGiven: true }, outcome.code);
      if (!options.served()) return options.fail(error);
      if (!refused)
        log.error("refused", error.message.replace(NOTHING_STARTED, "Envoy goes on with what it has; tried again."), {
          code: error.code,
        });
      refused = true;
    },
  });
  if (incarnation !== undefined) {
    const node = `${plan.mesh}.${plan.name}`;
    new HealthChannel({ upstream, node, incarnation, probes, clock, scope });
  }
}
