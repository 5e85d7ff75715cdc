import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { MeshError, type Violation } from "../../core/kernel/errors.ts";
import { nearest } from "../../core/kernel/nearest.ts";
import type { ResourceDraft } from "../../core/model/resource.ts";
import { draftFromJson, resourceToJson } from "../../core/model/resource-json.ts";
import type { ResourceType } from "../../core/model/resource-type.ts";
import { inFileOrder, locate } from "../../core/sidecar/definition/locate.ts";
import type { DefinitionProblem } from "../../core/sidecar/definition/problem.ts";
import { problemsText } from "../../core/sidecar/definition/problem-text.ts";
import { renderTemplate } from "../../core/sidecar/definition/template.ts";
import type { TemplateVariables } from "../../core/sidecar/options/variables.ts";

/** A resource read from a file, valid as far as can be said without the control plane. */
export interface ApplyDocument {
  readonly type: ResourceType;
  readonly draft: ResourceDraft;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Source {
  /** As the user named it. */
  readonly label: string;
  readonly text: string;
}

/** Files, directories (their .yaml, .yml and .json files, in order of name) and `-` for stdin. */
export async function readSources(paths: readonly string[], stdin: NodeJS.ReadableStream): Promise<Source[]> {
  const sources: Source[] = [];
  for (const path of paths) {
    if (path === "-") sources.push({ label: "stdin", text: await readAll(stdin) });
    else for (const file of filesOf(path)) sources.push({ label: file, text: readFile(file) });
  }
  return sources;
}

function filesOf(path: string): string[] {
  const state = statSync(path, { throwIfNoEntry: false });
  if (!state) throw new MeshError("MM105", `there is no file ${path}`, { where: `looked in ${process.cwd()}` });
  if (!state.isDirectory()) return [path];
  const files = readdirSync(path).filter((name) => /\.(ya?ml|json)$/.test(name));
  if (files.length === 0) throw new MeshError("MM105", `${path} holds no .yaml, .yml or .json file`);
  return files.sort().map((name) => join(path, name));
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new MeshError("MM105", `cannot read ${file}`, { why: (cause as Error).message, cause });
  }
}

/**
 * Renders and checks every document of a source (separated by `---`). Rejects with one MM104 that shows all problems
 * with their places; so nothing is applied when anything is wrong.
 */
export async function readDocuments(
  source: Source,
  types: readonly ResourceType[],
  variables: TemplateVariables,
  defaultMesh: string,
): Promise<ApplyDocument[]> {
  const yaml = await import("yaml");
  const rendered = await renderTemplate(source.text, variables);
  const problems: DefinitionProblem[] = [...rendered.problems];
  const documents: ApplyDocument[] = [];
  const parsed = yaml.parseAllDocuments(rendered.text, { prettyErrors: false });
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const [broken] = document.errors;
    if (broken) {
      problems.push({
        ...rendered.placeOf(broken.pos[0], broken.pos[1]),
        message: `not valid YAML: ${broken.message}`,
      });
      continue;
    }
    const json: unknown = document.toJS({ maxAliasCount: 100 });
    if (json === null) continue;
    const { found, violations } = readDocument(json, types, defaultMesh);
    for (const violation of violations) problems.push(locate(violation, document, { rendered, yaml }));
    if (found) documents.push(found);
  }
  if (problems.length > 0) throw invalid(source, inFileOrder(problems, rendered));
  return documents;
}

function readDocument(
  json: unknown,
  types: readonly ResourceType[],
  defaultMesh: string,
): { found?: ApplyDocument; violations: readonly Violation[] } {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return { violations: [{ field: "", message: "a resource is a map: type, name, …" }] };
  }
  const fields = json as Record<string, unknown>;
  const visible = types.filter((type) => !type.internal);
  const type = visible.find((each) => each.name === fields["type"]);
  if (!type) {
    const said = fields["type"] === undefined ? "is missing" : `${JSON.stringify(fields["type"])} is unknown`;
    const names = visible.map((each) => each.name);
    const close = nearest(String(fields["type"] ?? ""), names);
    return {
      violations: [
        { field: "type", message: `type ${said}. ${close ? `Nearest: ${close}` : `Known: ${names.join(", ")}`}` },
      ],
    };
  }
  const complete = type.scope === "Mesh" && fields["mesh"] === undefined ? { ...fields, mesh: defaultMesh } : fields;
  const { draft, violations } = draftFromJson(type, complete, { strict: true });
  return { found: { type, draft, json: resourceToJson(type, draft) }, violations };
}

function invalid(source: Source, problems: readonly DefinitionProblem[]): MeshError {
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  return new MeshError("MM104", `${source.label} is not valid: ${count}. Nothing was changed.`, {
    where: problemsText(source, problems),
  });
}
