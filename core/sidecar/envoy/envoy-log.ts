/** A line of Envoy's log, taken apart. */
export interface EnvoyLogLine {
  readonly level: string;
  readonly message: string;
}

const LINE = /^\[\d{4}-\d\d-\d\d [^\]]+\]\[\d+\]\[(\w+)\]\[\w+\] (?:\[[^\]]*\] )?(.*)$/;

/** Envoy's default format: `[time][thread][level][component] [file:line] message`. Undefined for other lines (a stack trace). */
export function parseEnvoyLine(line: string): EnvoyLogLine | undefined {
  const match = LINE.exec(line);
  return match ? { level: match[1] ?? "", message: match[2] ?? "" } : undefined;
}

/** Warnings that tell the user nothing: what they are about is the supervisor's doing or cannot be changed by the user. */
const UNINTERESTING = [
  // The supervisor says itself when the control plane is away or refuses.
  /gRPC config stream .*closed/,
  /^caught ENVOY_SIGTERM/,
  // Older Envoys need the flag, newer ones call it needless.
  /^--cpuset-threads is now the default/,
  // The addresses of a crash: among Envoy's last words, and of use only to those who have its symbols.
  /^(#\d+: |Backtrace \(|Address mapping: |Envoy version: )/,
  // A global connection limit is a choice for gateways; Envoy prints this at every start.
  /no configured limit to the number of allowed active downstream connections/,
];

/** What of Envoy's log a person should see without having asked for more. */
export function worthShowing({ level, message }: EnvoyLogLine): boolean {
  return ["warning", "error", "critical"].includes(level) && !UNINTERESTING.some((each) => each.test(message));
}

/** Splits a stream of chunks into lines; a line without end is given out when the stream ends. */
export function createLineSplitter(onLine: (line: string) => void): { push(chunk: string): void; end(): void } {
  let rest = "";
  return {
    push(chunk) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") onLine(line);
    },
    end() {
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
