import { MeshError, type Violation } from "../../kernel/errors.ts";
import { nearest } from "../../kernel/nearest.ts";
import type { ResourceDraft } from "../../model/resource.ts";
import { draftFromJson, resourceToJson } from "../../model/resource-json.ts";
import { type DataplaneSpec, dataplaneType } from "../../model/types/dataplane.ts";
import type { TemplateVariables } from "../options/variables.ts";
import { inFileOrder, locate, sentenceOf } from "./locate.ts";
import type { DefinitionProblem } from "./problem.ts";
import { problemsText } from "./problem-text.ts";
import type { DefinitionSource } from "./read-source.ts";
import { type Rendered, renderTemplate } from "./template.ts";

export interface Definition {
  readonly draft: ResourceDraft<DataplaneSpec>;
  /** What is sent to the control plane. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Sentences to print once, such as about variables that the template does not use. */
  readonly notes: readonly string[];
}

export interface DefinitionContext {
  readonly variables: TemplateVariables;
  /** `192.168.0.1 (eth0), 10.8.0.3 (wg0)`, for problems with addresses. Called only when there is one. */
  machineAddresses(): string;
}

/**
 * Renders, reads and validates a definition before anything is sent or started. Rejects with one MM104 that shows all
 * problems at once, in the order of the file, each with its line and a caret (ux.md, section 3.5).
 */
export async function checkDefinition(source: DefinitionSource, context: DefinitionContext): Promise<Definition> {
  const yaml = await import("yaml");
  const rendered = await renderTemplate(source.text, context.variables);
  if (!rendered.readable) throw invalid(source, rendered.problems);
  const document = yaml.parseDocument(rendered.text, { prettyErrors: false });
  const problems: DefinitionProblem[] = [...rendered.problems];
  let draft: ResourceDraft<DataplaneSpec> | undefined;
  if (document.errors.length > 0) {
    for (const error of document.errors.slice(0, 1)) {
      problems.push({
        ...rendered.placeOf(error.pos[0], error.pos[1]),
        message: yamlMessage(error.code, error.message),
      });
    }
  } else {
    const violations: Violation[] = [];
    draft = readDraft(document.toJS({ maxAliasCount: 100 }), violations);
    const locating = { rendered, yaml, sentence: (violation: Violation) => sentence(violation, rendered, context) };
    problems.push(...violations.map((violation) => locate(violation, document, locating)));
  }
  const shown = inFileOrder(problems, rendered);
  if (shown.length > 0 || draft === undefined) throw invalid(source, shown);
  const unused = rendered.unused.length > 0 ? [unusedNote(rendered.unused)] : [];
  return { draft, json: resourceToJson(dataplaneType, draft), notes: unused };
}

function readDraft(json: unknown, violations: Violation[]): ResourceDraft<DataplaneSpec> | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    violations.push({ field: "", message: "a definition is a map: type, mesh, name, networking" });
    return undefined;
  }
  const fields = json as Record<string, unknown>;
  const { type } = fields;
  if (type !== dataplaneType.name) {
    const said = type === undefined || type === null ? "is missing" : `is ${JSON.stringify(type)}`;
    const other = typeof type !== "string" || nearest(type, [dataplaneType.name]) ? "" : "; a sidecar runs a Dataplane";
    violations.push({ field: "type", message: `type ${said}${other}. Write type: Dataplane` });
  }
  const result = draftFromJson(dataplaneType, fields, { strict: true });
  violations.push(...result.violations);
  return result.draft;
}

function sentence(violation: Violation, rendered: Rendered, context: DefinitionContext): string {
  const { field, message } = violation;
  const plain = sentenceOf(violation);
  const last = /(\w+)$/.exec(field)?.[1] ?? "";
  // The page's second example: `name:` left empty beside --dataplane-var name=…
  if (message.startsWith("is required") && rendered.unused.includes(last)) {
    return `${field} is empty, and --dataplane-var ${last}=… is given but not used. Write it so:\n${last}: {{ ${last} }}`;
  }
  const aboutHost = /address$/i.test(last) && message.startsWith("must be");
  return aboutHost ? `${plain}. This machine has ${context.machineAddresses()}` : plain;
}

function invalid(source: DefinitionSource, problems: readonly DefinitionProblem[]): MeshError {
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  return new MeshError(
    "MM104",
    `${source.label} is not a valid Dataplane: ${count}. Nothing was sent, nothing was started.`,
    {
      where: problemsText(source, problems),
      todo: "Fields and defaults: docs/resources.md, section Dataplane",
    },
  );
}

function unusedNote(names: readonly string[]): string {
  const list = names.map((name) => `"${name}"`).join(", ");
  return `--dataplane-var ${list}: given, but the definition has no {{ ${names[0]} }}`;
}

const YAML_MESSAGES: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "this key is there twice",
  TAB_AS_INDENT: "a tab indents this line; YAML wants spaces",
  BAD_INDENT: "the indentation does not fit: keys of one level start in one column",
  BLOCK_AS_IMPLICIT_KEY:
    "the next line is indented as if it belonged to this value; keys of one level start in one column",
  MULTIPLE_DOCS: "a second document begins here; a sidecar takes one definition",
  MULTILINE_IMPLICIT_KEY: "this line is no key: value, or the indentation does not fit",
  MISSING_CHAR: "",
};

function yamlMessage(code: string, message: string): string {
  return YAML_MESSAGES[code] || `not valid YAML: ${message}`;
}
