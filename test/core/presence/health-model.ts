import assert from "node:assert/strict";
import type { SidecarHealth } from "../../../core/model/dataplane/sidecar-health.ts";
import type { PresenceSpec } from "../../../core/model/dataplane-presence.ts";

/** What the sidecars of one proxy have said about its application, and what its record may say therefore. */
export class HealthModel {
  readonly #port: number;
  /** Reports of each incarnation, by sequence. */
  readonly #reports = new Map<string, SidecarHealth[]>();
  /** Highest sequence that took effect. */
  readonly #effective = new Map<string, number>();

  constructor(port: number) {
    this.#port = port;
  }

  /** A new report, which contradicts the last one. */
  say(incarnation: string): SidecarHealth {
    const reports = this.#of(incarnation);
    const dead = reports.at(-1)?.notReady.length === 0;
    const report = { sequence: reports.length, notReady: dead ? [this.#port] : [], probed: [this.#port] };
    reports.push(report);
    return report;
  }

  /** What a stream says when it opens: the newest. */
  newest(incarnation: string): SidecarHealth {
    return this.#of(incarnation).at(-1) ?? this.say(incarnation);
  }

  /** One that was on its way for long. */
  oldest(incarnation: string): SidecarHealth {
    return this.#of(incarnation)[0] ?? this.say(incarnation);
  }

  tookEffect(incarnation: string, { sequence }: SidecarHealth): void {
    this.#effective.set(incarnation, Math.max(sequence, this.#effective.get(incarnation) ?? 0));
  }

  /** The record of a sidecar that reports repeats one of its reports, and none that is older than what took effect. */
  check(record: PresenceSpec): void {
    const { incarnation, healthSequence, notReady } = record;
    const reports = this.#reports.get(incarnation);
    if (!reports) return;
    assert.ok(healthSequence !== undefined, `what ${incarnation} said is forgotten`);
    assert.deepEqual(notReady, reports[healthSequence]?.notReady, `${incarnation} never said that`);
    const least = this.#effective.get(incarnation) ?? 0;
    assert.ok(healthSequence >= least, `report ${healthSequence} of ${incarnation} replaced report ${least}`);
  }

  #of(incarnation: string): SidecarHealth[] {
    const reports = this.#reports.get(incarnation) ?? [];
    this.#reports.set(incarnation, reports);
    return reports;
  }
}
