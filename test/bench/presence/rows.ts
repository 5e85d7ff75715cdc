import type { LoadReport } from "../../../cmd/demo/load.ts";
import { playBlackhole, playOutage, playReset } from "../../e2e/scenarios/connection.ts";
import { playLeave, playLeaveWithoutControlPlane, playRolling } from "../../e2e/scenarios/leave.ts";
import { playApplication, playKill, playRestart } from "../../e2e/scenarios/loss.ts";
import { playVanish } from "../../e2e/scenarios/other-host.ts";
import { PAGE_CLOCK, playPageClock } from "../../e2e/scenarios/page-clock.ts";
import type { Stage, StageOptions } from "../../e2e/scenarios/stage.ts";
import { lackingForNetHosts } from "../../support/net-host.ts";

/** What was measured, as text, and whether it reaches the goal; undefined when it could not be measured. */
export interface Measured {
  readonly text: string;
  readonly good: boolean | undefined;
  /** For machines. Times in milliseconds. */
  readonly figures: Readonly<Record<string, unknown>>;
}

/** One event of the table. */
export interface Row {
  readonly id: string;
  readonly event: string;
  /** Kuma 2.14.3 with real Envoys, on a machine of this size. */
  readonly kuma: string;
  readonly goal: string;
  measure(stage: Stage): Promise<Measured>;
}

/** Rows that play on one stage. */
export interface Act {
  readonly stage: StageOptions;
  readonly rows: readonly Row[];
}

const ROUNDS = 5;

/** All rows. `more` proxies stand by as consumers where that makes a difference. */
export function buildActs(more: number): Act[] {
  return [
    { stage: { more }, rows: [...leaves(), ...losses(), vanish()] },
    { stage: { more, link: true }, rows: connections() },
    { stage: { env: PAGE_CLOCK }, rows: [pageClock()] },
    { stage: { more, probed: true }, rows: [application()] },
  ];
}

function leaves(): Row[] {
  const leave = (drainTime: string, held: boolean): Row => ({
    id: `leave-${drainTime}`,
    event: `graceful leave of one of two, drain time ${drainTime}`,
    kuma: "0 failed; requests until 3.3 s after SIGTERM; resource deleted 10 s after the exit",
    goal: "0 failed; last request within 0.3 s, none 100 ms after the ACK; gone at the exit",
    async measure(stage) {
      const { load, ...seen } = await playLeave(stage, { drainTime, held });
      const { lastAfterSignalMs: last, lastAfterAckMs, withdrawnMs, consumers, missing, exitMs } = seen;
      const gone = seen.resourceStatus === 404;
      return {
        text: `${failed(load)}; ${last < 0 ? "no request" : `last request ${ms(last)}`} after SIGTERM, ${consumers - missing.length} of ${consumers} consumers had acknowledged in ${ms(withdrawnMs)}; exit after ${s(exitMs)}, resource ${gone ? "gone" : "still there"}`,
        good: load.failed === 0 && last <= 300 && lastAfterAckMs <= 100 && gone && missing.length === 0,
        figures: { ...counts(load), ...seen },
      };
    },
  });
  return [
    leave("5s", false),
    leave("30s", true),
    {
      id: "leave-alone",
      event: "the same while the control plane is dead, drain time 5s",
      kuma: "–",
      goal: "0 failed; the whole drain time",
      async measure(stage) {
        const { load, exitMs, answeredWhileDraining } = await playLeaveWithoutControlPlane(stage, "5s");
        return {
          text: `${failed(load)}, ${answeredWhileDraining} of them to the leaver; exit after ${s(exitMs)}`,
          good: load.failed === 0 && exitMs >= 5000,
          figures: { ...counts(load), exitMs, answeredWhileDraining },
        };
      },
    },
    {
      id: "rolling",
      event: "ten rolling restarts over two instances",
      kuma: "–",
      goal: "0 failed",
      async measure(stage) {
        const { load, restarts, longestMs } = await playRolling(stage, 10);
        return {
          text: `${failed(load)} in ${restarts} restarts; the longest took ${s(longestMs)}`,
          good: load.failed === 0,
          figures: { ...counts(load), restarts, longestMs },
        };
      },
    },
  ];
}

function losses(): Row[] {
  const restart = (ended: "gracefully" | "killed"): Row => ({
    id: `restart-${ended}`,
    event: `restart of the only instance (it ended ${ended}), from start to traffic`,
    kuma: "12.6 to 19.7 s",
    goal: "1 s",
    async measure(stage) {
      const tookMs = await repeat(() => playRestart(stage, ended));
      const worst = Math.max(...tookMs);
      return { text: `${range(tookMs)} in ${ROUNDS} runs`, good: worst <= 1000, figures: { tookMs } };
    },
  });
  return [
    restart("gracefully"),
    restart("killed"),
    {
      id: "kill",
      event: "kill -9 of supervisor and Envoy of one of two",
      kuma: "77 of 1,471 failed; deleted after 10 s",
      goal: "3 failed at most; lost at once",
      async measure(stage) {
        const runs = await repeat(() => playKill(stage));
        const failures = runs.map(({ load }) => load.failed);
        const lostMs = runs.map((each) => each.lostMs);
        return {
          text: `${failures.join(", ")} failed of ${runs.map(({ load }) => load.requests).join(", ")}; lost after ${range(lostMs)}`,
          good: Math.max(...failures) <= 3 && Math.max(...lostMs) <= 1000,
          figures: { failures, lostMs, reasons: runs.map(({ load }) => Object.fromEntries(load.reasons)) },
        };
      },
    },
  ];
}

function vanish(): Row {
  return {
    id: "vanish",
    event: "the host of one of three vanishes (no FIN)",
    kuma: "–",
    goal: "degraded within 15 s",
    async measure(stage) {
      const lacking = lackingForNetHosts();
      if (lacking) return { text: `not measured: ${lacking}`, good: undefined, figures: {} };
      const { load, lostMs, failedAfter } = await playVanish(stage);
      return {
        text: `degraded after ${s(lostMs)}; ${failed(load)} (no answer in 3 s) until then, ${failedAfter} after`,
        good: lostMs <= 15_000 && failedAfter === 0,
        figures: { ...counts(load), lostMs, failedAfter },
      };
    },
  };
}

function connections(): Row[] {
  return [
    {
      id: "reset",
      event: "TCP reset of all connections to the control plane",
      kuma: "resource missing for 2.7 s, online again after 13.7 s",
      goal: "never missing, 0 failed, connected within 2 s",
      async measure(stage) {
        const { load, ...seen } = await playReset(stage);
        return {
          text: `missing in ${seen.missing} of ${seen.looks} looks; ${failed(load)}; all ${stage.names.length} connected after ${s(seen.connectedMs)}`,
          good: load.failed === 0 && seen.missing === 0 && seen.connectedMs <= 2000,
          figures: { ...counts(load), ...seen },
        };
      },
    },
    {
      id: "blackhole",
      event: "connections blackholed (half-open)",
      kuma: "not noticed in 60 s",
      goal: "noticed within 16 s on both sides",
      async measure(stage) {
        const { load, ...seen } = await playBlackhole(stage);
        return {
          text: `the last sidecar noticed after ${s(seen.sidecarsMs)}, the control plane after ${s(seen.controlPlaneMs)}; ${failed(load)}; all connected ${s(seen.connectedMs)} after it passed again`,
          good: Math.max(seen.sidecarsMs, seen.controlPlaneMs) <= 16_000 && load.failed === 0 && seen.missing === 0,
          figures: { ...counts(load), ...seen },
        };
      },
    },
    {
      id: "outage",
      event: "control plane killed, started again 2 s later",
      kuma: "proxies locked out (its only embedded store loses the signing keys)",
      goal: "all connected within 5 s, nothing lost, 0 failed",
      async measure(stage) {
        const { load, ...seen } = await playOutage(stage, 2000);
        return {
          text: `all ${stage.names.length} connected ${s(seen.connectedMs)} after its start (ready after ${s(seen.readyMs)}); ${seen.changed.length} Dataplanes changed; ${failed(load)}`,
          good: load.failed === 0 && seen.connectedMs <= 5000 && seen.changed.length === 0 && seen.missing === 0,
          figures: { ...counts(load), ...seen },
        };
      },
    },
  ];
}

function pageClock(): Row {
  return {
    id: "page-clock",
    event: "the page's ungraceful rule, idle timeout 6 s, cleanup age 20 s",
    kuma: "deleted after 10 s",
    goal: "Offline at about 6 s, deleted soon after 20 s",
    async measure(stage) {
      const seen = await playPageClock(stage);
      return {
        text: `lost after ${ms(seen.lostMs)}, Offline after ${s(seen.offlineMs)}, deleted after ${s(seen.deletedMs)}`,
        good: near(seen.offlineMs, 6000) && near(seen.deletedMs, 20_000),
        figures: { ...seen },
      };
    },
  };
}

function application(): Row {
  return {
    id: "application",
    event: "the application of one of two dies, service probe at 1 s",
    kuma: "noticed in 1.6 s, 10 of 600 failed",
    goal: "the same or better",
    async measure(stage) {
      const runs = await repeat(() => playApplication(stage));
      const failures = runs.map(({ load }) => load.failed);
      const noticedMs = runs.map((each) => each.noticedMs);
      const backMs = runs.map((each) => each.backMs);
      return {
        text: `noticed in ${range(noticedMs)}; ${failures.join(", ")} failed of ${runs.map(({ load }) => load.requests).join(", ")}; back ${range(backMs)} after its start`,
        good: Math.max(...failures) <= 10 && Math.max(...noticedMs) <= 1600,
        figures: { failures, noticedMs, backMs, reasons: runs.map(({ load }) => Object.fromEntries(load.reasons)) },
      };
    },
  };
}

async function repeat<T>(play: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let round = 0; round < ROUNDS; round++) results.push(await play());
  return results;
}

const failed = (load: LoadReport) => `${load.failed} of ${load.requests.toLocaleString("en")} requests failed`;
const counts = (load: LoadReport) => ({
  requests: load.requests,
  failed: load.failed,
  reasons: Object.fromEntries(load.reasons),
});
const s = (value: number) => `${(value / 1000).toFixed(2)} s`;
const ms = (value: number) => `${Math.round(value)} ms`;
const range = (values: readonly number[]) => `${ms(Math.min(...values))} to ${ms(Math.max(...values))}`;
/** Not before its time, and a second after it at the most. */
const near = (value: number, goal: number) => value >= goal - 50 && value <= goal + 1000;
