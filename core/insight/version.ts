import type { DiscoverySubscription } from "../model/types/dataplane-insight.ts";

type TextMap = Readonly<Record<string, string>>;
type Version = NonNullable<DiscoverySubscription["version"]>;

/** The minor version of Kuma whose contract the control plane speaks. */
const SPOKEN = { major: 2, minor: 14 };
/** Kuma's rule: a sidecar may be this many minor versions older or newer. */
const FURTHEST = 2;

/** The versions that a sidecar gave at `/bootstrap`, as its node metadata repeats them (contract, sections 3.4 and 4.5). */
export function versionOf(metadata: Readonly<Record<string, unknown>>): Version | undefined {
  const given = objectOf(metadata["version"]);
  const dp = objectOf(given?.["kumaDp"]);
  const envoy = objectOf(given?.["envoy"]);
  const dependencies = objectOf(given?.["dependencies"]);
  if (!dp && !envoy && !dependencies) return undefined;
  const number = textOf(dp, "version").version;
  return {
    ...(dp
      ? {
          kumaDp: {
            ...textOf(dp, "version", "gitTag", "gitCommit", "buildDate"),
            ...(isCompatible(number) ? { kumaCpCompatible: true } : {}),
          },
        }
      : {}),
    ...(envoy
      ? {
          envoy: {
            ...textOf(envoy, "version", "build"),
            ...(envoy["kumaDpCompatible"] === true ? { kumaDpCompatible: true } : {}),
          },
        }
      : {}),
    ...(dependencies ? { dependencies: { ...(textOf(dependencies, ...Object.keys(dependencies)) as TextMap) } } : {}),
  };
}

/**
 * Whether Kuma would call the sidecar compatible: the same major version and a near minor one. What cannot be read or
 * is a preview counts as compatible (contract, section 4.5), and so do our own sidecars, whose versions begin with 0.
 */
export function isCompatible(version: string | undefined): boolean {
  const match = /^v?(\d+)\.(\d+)\.\d+$/.exec(version ?? "");
  if (!match) return true;
  const major = Number(match[1]);
  return major === 0 || (major === SPOKEN.major && Math.abs(Number(match[2]) - SPOKEN.minor) <= FURTHEST);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function textOf<Name extends string>(
  from: Readonly<Record<string, unknown>> | undefined,
  ...names: Name[]
): { [N in Name]?: string } {
  const found: { [N in Name]?: string } = {};
  for (const name of names) {
    const value = from?.[name];
    if (typeof value === "string" && value !== "") found[name] = value;
  }
  return found;
}
