import type { Registry } from "prom-client";

/** Value of each label; undefined when there is none yet. */
export type Values = Readonly<Record<string, number>> | undefined;

/** Registers metrics whose values are read when they are scraped. Names and help end up in /metrics as they are. */
export interface MetricKinds {
  readonly registry: Registry;
  gauge(name: string, help: string, read: () => number): void;
  /** One value for each value of `label`. */
  gauges(name: string, help: string, label: string, read: () => Values): void;
  /** `read` gives the total since the start. */
  counter(name: string, help: string, read: () => number): void;
  counters(name: string, help: string, label: string, read: () => Values): void;
}

/** Loads prom-client. */
export async function createMetricKinds(): Promise<MetricKinds> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  const common = (name: string, help: string, label: string) => ({
    name,
    help,
    labelNames: label === "" ? [] : [label],
    registers: [registry],
  });
  const gauges: MetricKinds["gauges"] = (name, help, label, read) => {
    new Gauge({
      ...common(name, help, label),
      collect() {
        this.reset();
        for (const [value, number] of Object.entries(read() ?? {})) this.set(labels(label, value), number);
      },
    });
  };
  const counters: MetricKinds["counters"] = (name, help, label, read) => {
    new Counter({
      ...common(name, help, label),
      collect() {
        this.reset();
        for (const [value, number] of Object.entries(read() ?? {})) this.inc(labels(label, value), number);
      },
    });
  };
  return {
    registry,
    gauges,
    counters,
    gauge: (name, help, read) => gauges(name, help, "", () => ({ "": read() })),
    counter: (name, help, read) => counters(name, help, "", () => ({ "": read() })),
  };
}

function labels(label: string, value: string): Record<string, string> {
  return label === "" ? {} : { [label]: value };
}
