import { OUTBOUND } from "../envoy/settings.ts";

const SECTIONS = ["listener", "cluster", "route"] as const;
/** Settings of what a sidecar is able to do, which policies have no say in. */
const ABILITIES = ["reusePort", "explainReplies", "failureLog"];
/** Settings that are objects, and the type of each of their values. */
const OBJECTS: Readonly<Record<string, Readonly<Record<string, "number" | "texts">>>> = {
  circuitBreaker: {
    maxConnections: "number",
    maxPendingRequests: "number",
    maxRequests: "number",
    maxRetries: "number",
  },
  retry: { on: "texts", numRetries: "number", backOffBase: "number", backOffMax: "number" },
};

const isAmount = (value: unknown) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** What is wrong with what `contribute` of somebody else's policy returned, as the end of a sentence; undefined if nothing is. */
export function wrongPatch(patch: unknown): string | undefined {
  if (!isObject(patch)) return `returned ${String(patch)}, not an object`;
  if ("then" in patch) return "returned a promise; it must answer at once";
  for (const [section, settings] of Object.entries(patch)) {
    const known = SECTIONS.find((each) => each === section);
    if (!known || (settings !== undefined && !isObject(settings)))
      return `returned ${section}, which is no group of settings`;
    for (const [name, value] of Object.entries(settings ?? {})) {
      const wrong = wrongSetting(known, name, value);
      if (wrong) return `returned ${section}.${name}${wrong}`;
    }
  }
  return undefined;
}

function wrongSetting(section: (typeof SECTIONS)[number], name: string, value: unknown): string | undefined {
  if (!Object.hasOwn(OUTBOUND[section], name) || ABILITIES.includes(name)) return ", which is no setting";
  if (value === undefined) return undefined;
  const parts = OBJECTS[name];
  if (!parts) return isAmount(value) ? undefined : ` as ${String(value)}, not a number of 0 or more`;
  if (!isObject(value)) return ` as ${String(value)}, not an object`;
  for (const [part, type] of Object.entries(parts)) {
    const inner = value[part];
    const good =
      type === "number" ? isAmount(inner) : Array.isArray(inner) && inner.every((each) => typeof each === "string");
    if (!good) return `.${part} as ${String(inner)}`;
  }
  return undefined;
}
