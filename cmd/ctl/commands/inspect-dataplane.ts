import type { EffectiveTarget } from "../../../core/api/policies/effective-values.ts";
import type { EventJson } from "../../../core/events/event-json.ts";
import { MeshError } from "../../../core/kernel/errors.ts";
import type { RequestFailure } from "../../../core/model/request-failure.ts";
import { type DataplaneFacts, dataplaneStory } from "../output/dataplane-story.ts";
import { effectiveText } from "../output/effective-text.ts";
import { arrayOf, type Json, recordOf, textOf } from "../output/json.ts";
import { documentText, type OutputFormat, outputFormat } from "../output/print.ts";
import { expectOk, type RestAnswer } from "../rest-client.ts";
import type { Session } from "../session.ts";

/** Events of the past that belong into the story. */
const EVENTS = 8;

export interface InspectDataplaneOptions {
  readonly output: string;
  /** What is wanted instead of the story: `policies`, which is all that kumactl shows. */
  readonly type?: string | undefined;
}

/** One Dataplane as a short story, or what policies say about it. Under kumactl: the policies that select it (contract, section 7.7). */
export async function runInspectDataplane(
  session: Session,
  name: string,
  options: InspectDataplaneOptions,
): Promise<number> {
  requireKnown(options.type ?? "policies");
  const format = outputFormat(options.output);
  const client = await session.client();
  const { mesh } = session.global;
  const path = `/meshes/${encodeURIComponent(mesh)}/dataplanes/${encodeURIComponent(name)}`;
  if (session.kumactl) {
    const body = expectOk(await client.get(`${path}/policies`), `failed to inspect dataplane: ${name}`);
    session.out(
      format === "json" || format === "yaml" ? await documentText(format, body) : policiesText(recordOf(body)),
    );
    return 0;
  }
  if (options.type) return showPolicyValues(session, `${path}/_rules`, name, format);
  const overview = recordOf(expectOk(await client.get(`${path}/_overview`), `could not inspect Dataplane ${name}`));
  const query = new URLSearchParams({ mesh, name, size: String(EVENTS) });
  const [policies, events, failures] = await Promise.all(
    [`${path}/policies`, `/_events?${query}`, `${path}/_failures`].map((each) => client.get(each)),
  );
  // A control plane that knows none of these still has a story of its proxies.
  const facts: DataplaneFacts = {
    overview,
    policies: policies?.status === 200 ? namesByType(recordOf(policies.body)) : new Map(),
    events: itemsOf(events) as unknown as readonly EventJson[],
    failures: itemsOf(failures) as unknown as readonly RequestFailure[],
  };
  if (format === "json" || format === "yaml") {
    const document = { ...overview, policies: Object.fromEntries(facts.policies), events: facts.events };
    session.out(await documentText(format, document));
  } else session.out(dataplaneStory(facts, Date.now()));
  return 0;
}

/** Every value that policies give a proxy, with the item of the policy that it comes from. */
async function showPolicyValues(session: Session, path: string, name: string, format: OutputFormat): Promise<number> {
  const client = await session.client();
  const document = expectOk(await client.get(path), `could not inspect Dataplane ${name}`);
  if (format === "json" || format === "yaml") session.out(await documentText(format, document));
  else session.out(effectiveText((document as { effective: readonly EffectiveTarget[] }).effective));
  return 0;
}

function itemsOf(answer: RestAnswer | undefined): readonly Json[] {
  return answer?.status === 200 ? arrayOf(recordOf(answer.body)["items"]) : [];
}

/** What needs a way to Envoy's admin interface, which this version does not have. */
function requireKnown(type: string): void {
  if (type === "policies") return;
  if (["config-dump", "stats", "clusters", "config"].includes(type)) {
    throw new MeshError("MM100", `--type=${type} is not served yet`, {
      why: "The control plane has no connection to the admin interface of a sidecar's Envoy in this version.",
      todo: `On the machine of the sidecar:  curl http://127.0.0.1:ADMIN_PORT/${type === "config-dump" ? "config_dump" : type}   (the port stands in its bootstrap, default 9901)`,
    });
  }
  throw new MeshError("MM100", `--type=${type} is unknown`, { todo: "There is policies." });
}

function namesByType(body: Json): Map<string, readonly string[]> {
  const names = new Map<string, Set<string>>();
  for (const item of arrayOf(body["items"])) {
    for (const [type, policies] of Object.entries(recordOf(item["matchedPolicies"]))) {
      const known = names.get(type) ?? new Set();
      names.set(type, known);
      for (const policy of arrayOf(policies)) known.add(textOf(policy["name"]));
    }
  }
  return new Map([...names].map(([type, set]) => [type, [...set].sort()]));
}

/** One block for each part of the proxy that policies are attached to. */
function policiesText(body: Json): string {
  return arrayOf(body["items"])
    .map((item) => {
      const type = textOf(item["type"]);
      const part = type === "dataplane" ? "" : ` ${textOf(item["name"])}(${textOf(item["service"])})`;
      const policies = Object.entries(recordOf(item["matchedPolicies"])).map(
        ([policy, all]) =>
          `  ${policy}\n${arrayOf(all)
            .map((each) => `    ${textOf(each["name"])}\n`)
            .join("")}`,
      );
      return `${type.toUpperCase()}${part}:\n${policies.join("")}`;
    })
    .join("\n");
}
