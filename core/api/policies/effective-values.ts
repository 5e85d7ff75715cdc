import { inboundsOf, outboundsOf, serviceOf } from "../../model/dataplane/access.ts";
import { fieldText, parseFieldPath } from "../../model/field-path.ts";
import type { Resource } from "../../model/resource.ts";
import { toProtoJson } from "../../model/shape/proto-json.ts";
import type { DataplaneSpec } from "../../model/types/dataplane.ts";
import type { ProxyPolicies, TargetConf } from "../../policy/effective-policies.ts";
import type { PolicyEntry } from "../../policy/entries.ts";

/** Where a value was written. */
export interface ValueOrigin {
  readonly type: string;
  readonly mesh: string;
  readonly name: string;
  /** Place in the policy's spec: `to[0]`. */
  readonly section: string;
}

export interface EffectiveValue {
  /** Type of the policy. */
  readonly policy: string;
  /** Path in the conf: `http.requestTimeout`. */
  readonly field: string;
  readonly value: unknown;
  /** One, or several where lists were joined. */
  readonly origins: readonly ValueOrigin[];
}

/** The values that count for one inbound or one consumed service. What is not listed has its default. */
export interface EffectiveTarget {
  readonly direction: "inbound" | "outbound";
  /** Of an inbound: its name, else its port. Of an outbound: the service. */
  readonly name: string;
  readonly service: string;
  readonly values: readonly EffectiveValue[];
}

/** What counts for each inbound and each consumed service of a proxy, with where it was said. */
export function buildEffectiveValues(policies: ProxyPolicies, dataplane: Resource<DataplaneSpec>): EffectiveTarget[] {
  const inbounds = inboundsOf(dataplane.spec).map((inbound, index): EffectiveTarget => {
    const service = serviceOf(inbound) ?? "";
    const values = policies.inbound(index).confs(service).flatMap(valuesOf);
    return { direction: "inbound", name: inbound.name || String(inbound.port), service, values };
  });
  const services = new Set(outboundsOf(dataplane.spec).flatMap(({ service }) => service ?? []));
  const outbounds = [...services].map((service): EffectiveTarget => {
    const values = policies.outbound.confs(service).flatMap(valuesOf);
    return { direction: "outbound", name: service, service, values };
  });
  return [...inbounds, ...outbounds];
}

function valuesOf({ policy, merged }: TargetConf): EffectiveValue[] {
  const json = toProtoJson(policy.definition.conf, merged.conf);
  return [...merged.values].map(([field, entries]) => ({
    policy: policy.type.name,
    field,
    value: valueAt(json, field),
    origins: entries.map(originOf),
  }));
}

function valueAt(json: unknown, field: string): unknown {
  const path = parseFieldPath(field) ?? [];
  return path.reduce<unknown>((value, step) => (value as Record<string | number, unknown> | undefined)?.[step], json);
}

function originOf({ policy, section, index }: PolicyEntry): ValueOrigin {
  const place = section === "default" ? section : fieldText([section, index]);
  return { type: policy.type, mesh: policy.mesh, name: policy.name, section: place };
}
