import { REMOVAL_DELAY_MS } from "../../../core/xds/make-before-break.ts";
import { StreamBench } from "./stream-bench.ts";

/** What the proxies of these tests have at first. */
export const PICTURE = {
  cluster: { a: "1", b: "1" },
  endpoint: { a: "1", b: "1" },
  listener: { l: "1" },
  route: { r: "1" },
};

/** A stream whose client has everything of PICTURE. */
export function served(): StreamBench {
  const bench = new StreamBench("delta");
  bench.delta("cluster");
  bench.update(1, PICTURE);
  bench.ack("cluster");
  bench.delta("endpoint", { subscribe: ["a", "b"] });
  bench.ack("endpoint");
  bench.delta("listener");
  bench.ack("listener");
  bench.delta("route", { subscribe: ["r"] });
  bench.ack("route");
  bench.look();
  bench.reports.length = 0;
  bench.clock.advance(REMOVAL_DELAY_MS);
  return bench;
}
