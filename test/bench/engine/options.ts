import { parseArgs } from "node:util";
import type { Variant } from "../../../core/xds/discovery-response.ts";

export interface EngineBenchOptions {
  /** Sizes to measure, one control plane each. */
  readonly sizes: readonly number[];
  readonly variant: Variant;
  readonly against: string | undefined;
  readonly workers: number | undefined;
  readonly rounds: number;
  /** Consumers of the second service; undefined: a fifth, 200 at the most. */
  readonly few: number | undefined;
  readonly settleSeconds: number;
  readonly idleSeconds: number;
  readonly lossSeconds: number;
  readonly gapMs: number;
  readonly patienceSeconds: number;
  readonly extensionBytes: number;
  readonly keepaliveMs: number;
}

const SCALE = [100, 300, 1000, 3000, 10_000];

export const USAGE = `./build.sh bench engine [OPTIONS]

  --proxies N      simulated sidecars; default 1000
  --delta          delta instead of state of the world
  --scale          ${SCALE.join(", ")} sidecars one after the other
  --against CMD    another control plane: a command that runs it in the foreground and reads KUMA_* variables
  --rounds N       changes of each kind; default 20
  --few N          consumers of the second service; default a fifth of all, 200 at the most
  --workers N      processes of the generator; default 1, from 3000 sidecars on 2
  --settle S       seconds before memory and idling are measured; default 25
  --idle S         seconds of idling; default 20
  --loss S         seconds after all are lost at once; default 5
  --gap MS         between two changes; default 1000
  --patience S     a change that has not arrived after this is given up; default 60
  --node-bytes N   size of the extension list in the node; default 60000, as Envoy sends
  --keepalive MS   between two pings of a sidecar; default 10000, as \`monomesh dp\`; 0: none
`;

export function readOptions(args: readonly string[]): EngineBenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      proxies: { type: "string", default: "1000" },
      delta: { type: "boolean", default: false },
      scale: { type: "boolean", default: false },
      against: { type: "string" },
      rounds: { type: "string", default: "20" },
      few: { type: "string" },
      workers: { type: "string" },
      settle: { type: "string", default: "25" },
      idle: { type: "string", default: "20" },
      loss: { type: "string", default: "5" },
      gap: { type: "string", default: "1000" },
      patience: { type: "string", default: "60" },
      "node-bytes": { type: "string", default: "60000" },
      keepalive: { type: "string", default: "10000" },
    },
  });
  return {
    sizes: values.scale ? SCALE : [numberOf("proxies", values.proxies)],
    variant: values.delta ? "delta" : "sotw",
    against: values.against,
    workers: values.workers === undefined ? undefined : numberOf("workers", values.workers),
    rounds: numberOf("rounds", values.rounds),
    few: values.few === undefined ? (values.scale ? SCALE[0] : undefined) : numberOf("few", values.few),
    settleSeconds: numberOf("settle", values.settle),
    idleSeconds: numberOf("idle", values.idle),
    lossSeconds: numberOf("loss", values.loss),
    gapMs: numberOf("gap", values.gap),
    patienceSeconds: numberOf("patience", values.patience),
    extensionBytes: numberOf("node-bytes", values["node-bytes"]),
    keepaliveMs: numberOf("keepalive", values.keepalive),
  };
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (text === "" || !Number.isFinite(number) || number < 0) throw new Error(`--${name}: "${text}" is no number`);
  return number;
}
