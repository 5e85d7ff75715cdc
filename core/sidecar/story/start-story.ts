import type { Clock } from "../../kernel/clock.ts";
import { formatDuration } from "../../kernel/duration.ts";
import type { Logger } from "../../kernel/log.ts";
import { VERSION } from "../../kernel/runtime.ts";
import type { DataplaneSpec } from "../../model/types/dataplane.ts";
import { targetText } from "../control-plane/targets.ts";
import type { EnvoyAdmin } from "../envoy/envoy-admin.ts";
import type { SidecarPlan } from "../plan.ts";
import type { ReadinessServer } from "../readiness-server.ts";
import type { Trust } from "../trust/open-trust.ts";
import { inboundFacts, outboundFacts, secondsText, skewText, tokenText } from "./fact-text.ts";

export interface ServingFacts {
  readonly plan: SidecarPlan;
  /** Undefined: Indirect at a stock control plane, which does not show it. */
  readonly spec: DataplaneSpec | undefined;
  /** Services of outbounds that nobody offers, each with the nearest that somebody does. */
  readonly unknownServices: Readonly<Record<string, string | null>>;
  /** Inbound ports that get no traffic before their application answers. */
  readonly notReady: readonly number[];
  readonly admin: EnvoyAdmin;
  readonly readiness: ReadinessServer;
  /** Who has the readiness port that was wanted. */
  readonly takenBy: string | undefined;
}

/**
 * What the user reads while the sidecar starts (ux.md, section 3.2): facts under a label each, then that it serves. The
 * label is the event's name; a terminal shows them as a block, everything else gets JSON lines.
 */
export interface StartStory {
  starting(envoyVersion: string): void;
  dataplane(plan: SidecarPlan): void;
  controlPlane(plan: SidecarPlan, trust: Trust, skew: number | undefined): void;
  /** Collects what there is to say about inbounds and outbounds, says it, and that the sidecar serves. */
  serving(facts: ServingFacts): Promise<void>;
}

export function createStartStory(log: Logger, clock: Clock): StartStory {
  return {
    starting(envoyVersion) {
      log.info("starting", `monomesh ${VERSION} sidecar (Envoy ${envoyVersion})`, {
        version: VERSION,
        envoy: envoyVersion,
      });
    },
    dataplane({ mesh, name, definition, definitionLabel, options }) {
      for (const note of [...options.notes, ...(definition?.notes ?? [])]) log.warn("note", note);
      const how = definition
        ? `from ${definitionLabel}; Direct: made by this start, deleted when you stop it`
        : "as the control plane has it; Indirect: stays when you stop it";
      log.info("dataplane", `${name}, mesh ${mesh}, ${how}`, {
        mesh,
        name,
        lifecycle: definition ? "Direct" : "Indirect",
      });
    },
    controlPlane({ link, token }, trust, skew) {
      const address = link.several ? targetText(trust) : link.address;
      const others = link.several ? " (there are others)" : "";
      const text = `${address}${others}, ${trust.describe()}${skewText(skew)}`;
      const fields = {
        address,
        trust: trust.kind,
        ...(skew === undefined ? {} : { skewMs: Math.round(skew) }),
      };
      log.log(trust.kind === "skip-verify" ? "warn" : "info", "control", text, fields);
      const claims = token.claims();
      if (claims) log.info("token", tokenText(claims, clock.now()), { expiresAt: claims.expiresAt });
      else log.info("token", "none");
    },
    async serving({ plan, spec, notReady, unknownServices, admin, readiness, takenBy }) {
      if (spec) {
        const [inbound, clusters] = await Promise.all([inboundFacts(spec, notReady), admin.clusters()]);
        for (const fact of inbound) log.log(fact.level, "inbound", fact.text, fact.fields);
        for (const fact of outboundFacts(spec, clusters, unknownServices))
          log.log(fact.level, "outbound", fact.text, fact.fields);
      }
      const wanted = plan.options.values.readinessPort;
      const moved = readiness.moved ? `   (${wanted} is taken${takenBy ? ` by ${takenBy}` : ""})` : "";
      log.info("ready", `${readiness.url}${moved}`, { url: readiness.url, port: readiness.port });
      const tookMs = Math.round(clock.monotonic() - plan.startedAt);
      const drain = formatDuration(plan.options.values.drainTime);
      log.info(
        "serving",
        `serving in ${secondsText(tookMs)}. Ctrl-C drains (${drain} at most) and leaves; a second Ctrl-C stops at once.`,
        { tookMs },
      );
    },
  };
}
