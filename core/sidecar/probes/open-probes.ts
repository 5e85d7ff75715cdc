import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Scope } from "../../kernel/scope.ts";
import { type DataplaneSpec, workloadsOf } from "../../model/types/dataplane.ts";
import { hostPort } from "../checks/port-check.ts";
import { secondsText } from "../story/fact-text.ts";
import { ApplicationProbes } from "./application-probes.ts";

export interface OpenProbesOptions {
  /** The definition as it is known at the start; the control plane tells of changes. */
  readonly spec: DataplaneSpec | undefined;
  readonly waitForApp: boolean;
  readonly indirect: boolean;
  readonly scope: Scope;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether the start is over; before, its story says what answers. */
  served(): boolean;
}

/** Begins to probe the applications; each that stops to answer, or answers again, is a line. */
export function openProbes({
  spec,
  waitForApp,
  indirect,
  scope,
  clock,
  log,
  served,
}: OpenProbesOptions): ApplicationProbes {
  const probes = scope.own(new ApplicationProbes({ clock, waitForApp, indirect }));
  probes.onChange((news) => {
    if (!news || !served()) return;
    const { workload, ready, after } = news;
    const app = hostPort(workload.address, workload.servicePort);
    const fields = { port: workload.port, servicePort: workload.servicePort, ready };
    if (ready)
      log.info(
        "app-ready",
        `${app} answers after ${secondsText(after)}: inbound ${workload.port} gets traffic`,
        fields,
      );
    else log.warn("app-down", `nothing answers at ${app}: inbound ${workload.port} gets no traffic`, fields);
  });
  if (spec) probes.follow(workloadsOf(spec));
  return probes;
}
