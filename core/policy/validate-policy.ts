import type { Violation } from "../kernel/errors.ts";
import { type FieldPath, fieldText } from "../model/field-path.ts";
import type { ConfPlace, PolicyDefinition } from "./policy.ts";
import type { PolicyItem, PolicyRule, PolicySection, PolicySpec, RuleMatch } from "./policy-spec.ts";
import { type TargetKind, WHOLE_MESH } from "./target-ref.ts";
import { type Report, validateTargetRef } from "./validate-target-ref.ts";

/** Under a gateway or a route there are no inbounds, and no destinations but those the route has already. */
const WITHOUT_INBOUNDS: readonly string[] = ["MeshGateway", "MeshHTTPRoute"];
const TO_KINDS_THERE: readonly TargetKind[] = ["Mesh", "MeshExternalService"];

const MATCH_TYPES = { spiffeID: ["Exact", "Prefix"], sni: ["Exact"] } as const;

/** All problems of a policy's spec beyond its shape. Paths begin at the spec; the empty path is the spec itself. */
export function validatePolicy(
  definition: PolicyDefinition,
  sections: readonly PolicySection[],
  spec: PolicySpec,
): Violation[] {
  const problems: Violation[] = [];
  const report: Report = (path, message) => problems.push({ field: fieldText(path), message });
  const top = spec.targetRef ?? WHOLE_MESH;
  if (spec.targetRef) validateTargetRef(top, definition.topKinds, "top", under(report, ["targetRef"]));
  checkSections(sections, spec, report);
  if (top.kind === "Dataplane" && top.sectionName && isFilled(spec.to))
    report(["targetRef", "sectionName"], "can only be used with inbound policies");
  // A missing `default` is checked as an empty one: the definition says what it lacks.
  const check: CheckConf = (conf, path, place) =>
    problems.push(...definition.validate(conf ?? {}, path, { ...place, topKind: top.kind }));
  if (WITHOUT_INBOUNDS.includes(top.kind) && isFilled(spec.from)) report(["from"], "must not be defined");
  else checkItems("from", spec.from, definition.fromKinds ?? [], report, check);
  checkItems("to", spec.to, toKinds(definition, top.kind), report, check);
  spec.rules?.forEach((rule, index) => {
    checkRule(rule, under(report, ["rules", index]), (conf, path, place) =>
      check(conf, ["rules", index, ...path], place),
    );
  });
  if (spec.default !== undefined) check(spec.default, ["default"], { section: "default", matchesOn: [] });
  return problems;
}

type CheckConf = (conf: unknown, path: FieldPath, place: Omit<ConfPlace, "topKind">) => unknown;

function checkSections(sections: readonly PolicySection[], spec: PolicySpec, report: Report): void {
  const given = sections.filter((section) =>
    section === "default" ? spec.default !== undefined : isFilled(spec[section]),
  );
  if (given.length === 0) {
    const names = sections.map((section) => `'${section}'`);
    const last = names.pop();
    report([], `at least one of ${names.length > 0 ? `${names.join(", ")} or ` : ""}${last} has to be defined`);
  }
  if (isFilled(spec.rules) && (isFilled(spec.to) || isFilled(spec.from)))
    report([], "fields 'to' and 'from' must be empty when 'rules' is defined");
}

function toKinds(definition: PolicyDefinition, topKind: string): readonly TargetKind[] {
  const kinds = definition.toKinds ?? [];
  return WITHOUT_INBOUNDS.includes(topKind) ? kinds.filter((kind) => TO_KINDS_THERE.includes(kind)) : kinds;
}

function checkItems(
  section: "to" | "from",
  items: readonly PolicyItem[] | undefined,
  kinds: readonly TargetKind[],
  report: Report,
  check: CheckConf,
): void {
  items?.forEach((item, index) => {
    validateTargetRef(item.targetRef, kinds, "item", under(report, [section, index, "targetRef"]));
    check(item.default, [section, index, "default"], { section, matchesOn: [] });
  });
}

function checkRule(rule: PolicyRule, report: Report, check: CheckConf): void {
  rule.matches?.forEach((match, index) => {
    checkMatch(match, under(report, ["matches", index]));
  });
  const matchesOn = (["spiffeID", "sni"] as const).filter((on) => rule.matches?.some((match) => match[on]));
  check(rule.default, ["default"], { section: "rules", matchesOn });
}

function checkMatch(match: RuleMatch, report: Report): void {
  if (!match.spiffeID && !match.sni) report([], "must specify at least one of 'spiffeID' or 'sni'");
  for (const on of ["spiffeID", "sni"] as const) {
    const matcher = match[on];
    if (!matcher) continue;
    const types: readonly string[] = MATCH_TYPES[on];
    if (!types.includes(matcher.type ?? "")) report([on, "type"], `must be one of ${types.join(", ")}`);
    if (!matcher.value) report([on, "value"], "is required");
    else if (on === "spiffeID" && !matcher.value.startsWith("spiffe://"))
      report([on, "value"], "must begin with spiffe://");
  }
}

/** A report whose paths begin deeper. */
function under(report: Report, prefix: FieldPath): Report {
  return (path, message) => report([...prefix, ...path], message);
}

function isFilled(list: readonly unknown[] | undefined): boolean {
  return list !== undefined && list.length > 0;
}
