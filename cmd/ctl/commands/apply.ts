import { MeshError } from "../../../core/kernel/errors.ts";
import { readVariables } from "../../../core/sidecar/options/variables.ts";
import { type ApplyDocument, readDocuments, readSources, type Source } from "../documents.ts";
import { typesFor } from "../known-types.ts";
import { documentText } from "../output/print.ts";
import { expectOk } from "../rest-client.ts";
import type { Session } from "../session.ts";
import { itemPath } from "../type-names.ts";

export interface ApplyOptions {
  readonly files: readonly string[];
  readonly vars: readonly string[];
  readonly dryRun: boolean;
}

/** Reads and checks everything first, then puts one resource after the other, and says after each how to undo it. */
export async function runApply(session: Session, options: ApplyOptions): Promise<number> {
  const sources = await readSources(options.files, session.io.stdin);
  const types = await typesFor(session, sources.flatMap(typesNamedIn));
  const variables = readVariables(options.vars);
  const documents: ApplyDocument[] = [];
  for (const source of sources) documents.push(...(await readDocuments(source, types, variables, session.global.mesh)));
  if (documents.length === 0)
    throw new MeshError("MM104", `${sources.map((each) => each.label).join(", ")} holds no resource`);
  for (const document of documents) await applyOne(session, document, options.dryRun);
  return 0;
}

/** What may be a type of some document; too many or too few do no harm, see `typesFor`. */
function typesNamedIn({ text }: Source): string[] {
  return [...text.matchAll(/^\s*"?type"?:\s*"?(\w+)/gm)].map(([, name = ""]) => name);
}

async function applyOne(session: Session, { type, draft, json }: ApplyDocument, dryRun: boolean): Promise<void> {
  if (dryRun) {
    session.out(`---\n${await documentText("yaml", json)}`);
    return;
  }
  const client = await session.client();
  const path = itemPath(type, draft.mesh, draft.name);
  const label = `${type.name} "${draft.name}"`;
  const before = await client.get(path);
  const answer = await client.put(path, json);
  const body = expectOk(answer, `could not apply ${label}`) as { warnings?: readonly string[] };
  for (const warning of body.warnings ?? []) session.talk(`warning: ${warning}\n`);
  const created = answer.status === 201;
  session.out(`${created ? "created" : "updated"} ${label}\n`);
  if (session.kumactl) return;
  const mesh = type.scope === "Mesh" && draft.mesh !== "default" ? ` --mesh ${draft.mesh}` : "";
  if (created) session.talk(`  undo: monomesh delete ${type.name.toLowerCase()} ${draft.name}${mesh}\n`);
  else if (before.status === 200 && !type.adminOnly) {
    session.talk(`  undo: echo '${JSON.stringify(withoutMeta(before.body))}' | monomesh apply -f -\n`);
  }
}

function withoutMeta(body: unknown): unknown {
  const { creationTime: _created, modificationTime: _modified, kri: _kri, ...rest } = body as Record<string, unknown>;
  return rest;
}
