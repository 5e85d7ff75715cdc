import { parseEnvoyLine, worthShowing } from "./envoy-log.ts";

const FRAME = /^#\d+: (?:(.*) )?\[(0x[0-9a-f]+)\]$/;
/** Lines around a backtrace that are of use only together with it. */
const AROUND = /^(Backtrace \(|Envoy version: |Address mapping: )/;
const SHOWN = 10;

/** The sentence of Envoy's last words that says most about its end; undefined when none does. */
export function reasonOf(lines: readonly string[]): string | undefined {
  const worth = lines
    .flatMap((line) => parseEnvoyLine(line) ?? [])
    .filter((line) => line.level !== "warning" && worthShowing(line));
  const caught = worth.findLastIndex(({ message }) => message.startsWith("Caught "));
  // The signal is said last; the assertion, panic or watchdog that raised it stands right before.
  const last =
    caught === -1
      ? (worth.findLast(({ level }) => level === "critical") ?? worth.at(-1))
      : (worth[caught - 1] ?? worth[caught]);
  return last?.message;
}

/** Its last lines as a person can use them: a backtrace without symbols is one line, for whoever has them. */
export function usefulWords(lines: readonly string[]): readonly string[] {
  const words: string[] = [];
  const frames: string[] = [];
  const around: string[] = [];
  for (const line of lines) {
    const message = parseEnvoyLine(line)?.message ?? line;
    const frame = FRAME.exec(message);
    if (frame) frames.push(frame[1] ?? frame[2] ?? "");
    else if (AROUND.test(message)) around.push(message.replace(/^Backtrace \(.*/, ""));
    else words.push(line);
  }
  const facts = around.filter((text) => text !== "").join("; ");
  return [...words.slice(-SHOWN), ...(frames.length > 0 ? [`Backtrace: ${frames.join(" ")} (${facts})`] : [])];
}
