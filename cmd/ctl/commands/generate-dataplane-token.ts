import { parseDuration } from "../../../core/kernel/duration.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import { expectOk } from "../rest-client.ts";
import type { Session } from "../session.ts";

export interface DataplaneTokenOptions {
  readonly name: string;
  readonly tag: readonly string[];
  readonly proxyType: string;
  readonly workload: string;
  readonly validFor?: string | undefined;
}

/** Used when `--valid-for` is not given; kumactl makes the flag mandatory, which cost users their first hour. */
const DEFAULT_VALID_FOR = "24h";

export async function runGenerateDataplaneToken(session: Session, options: DataplaneTokenOptions): Promise<number> {
  const validFor = options.validFor ?? DEFAULT_VALID_FOR;
  const milliseconds = parseDuration(validFor);
  if (milliseconds === undefined || milliseconds <= 0) {
    throw new MeshError("MM100", `--valid-for ${validFor} is no duration`, { todo: "Examples: 30m, 24h, 720h." });
  }
  const client = await session.client();
  const answer = await client.post("/tokens/dataplane", {
    mesh: session.global.mesh,
    name: options.name,
    tags: parseTags(options.tag),
    type: options.proxyType,
    workload: options.workload,
    validFor,
  });
  session.out(String(expectOk(answer, "could not generate a dataplane token")));
  if (session.io.stdout.isTTY) session.out("\n");
  const until = new Date(Date.now() + milliseconds).toLocaleString();
  if (options.validFor === undefined)
    session.talk(`valid for ${DEFAULT_VALID_FOR}, until ${until}; choose with --valid-for\n`);
  return 0;
}

/** `key=value` texts as kumactl's --tag takes them: `a=1`, several values `a=1,2`, several keys `a=1,b=2` or repeated flags. */
export function parseTags(texts: readonly string[]): Record<string, string[]> {
  const tags: Record<string, string[]> = {};
  for (const text of texts) {
    let key: string | undefined;
    for (const part of text.split(",")) {
      const at = part.indexOf("=");
      if (at > 0) key = part.slice(0, at);
      if (key === undefined) throw new MeshError("MM100", `--tag ${text} is not KEY=VALUE`);
      tags[key] = [...(tags[key] ?? []), at > 0 ? part.slice(at + 1) : part];
    }
  }
  return tags;
}
