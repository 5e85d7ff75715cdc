import type { EffectiveTarget } from "../../../core/api/policies/effective-values.ts";
import { dataplaneType } from "../../../core/model/types/dataplane.ts";
import { effectiveText } from "../output/effective-text.ts";
import { documentText, outputFormat } from "../output/print.ts";
import { expectOk } from "../rest-client.ts";
import type { Session } from "../session.ts";
import { itemPath } from "../type-names.ts";

/** `inspect dataplane NAME --type policies`: every value that policies give a proxy, with the item it comes from. */
export async function runInspectProxyPolicies(session: Session, name: string, output: string): Promise<number> {
  const format = outputFormat(output);
  const client = await session.client();
  const path = `${itemPath(dataplaneType, session.global.mesh, name)}/_rules`;
  const document = expectOk(await client.get(path), `could not inspect Dataplane ${name}`);
  if (format === "json" || format === "yaml") session.out(await documentText(format, document));
  else session.out(effectiveText((document as { effective: readonly EffectiveTarget[] }).effective));
  return 0;
}
