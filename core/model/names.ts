import { isIP } from "node:net";

/** Why a text cannot be used in some role; undefined when it can. All rules are of the contract, section 8.2. */
type Problem = string | undefined;

const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MESH_NAME = /^[0-9a-z._-]+$/;
const TAG_NAME = /^[a-zA-Z0-9._:/-]+$/;
const TAG_VALUE = /^[a-zA-Z0-9._:-]+$/;
const LABEL_PART = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const DNS_LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const HOST_LABEL = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})$/;

export function nameProblem(name: string): Problem {
  if (name === "") return "is required";
  if (name.length > 253) return "must have 253 characters at most";
  if (!DNS_SUBDOMAIN.test(name)) {
    return "must consist of lower-case letters, digits, '-' and '.', and begin and end with a letter or digit";
  }
  return undefined;
}

export function meshNameProblem(mesh: string): Problem {
  if (mesh === "") return "is required";
  if (mesh.length > 253) return "must have 253 characters at most";
  if (!MESH_NAME.test(mesh)) return "must consist of lower-case letters, digits, '-', '_' and '.'";
  return undefined;
}

export function tagNameProblem(name: string): Problem {
  if (name === "") return "a tag's name must not be empty";
  if (!TAG_NAME.test(name)) return "a tag's name must consist of letters, digits, '.', '-', '_', ':' and '/'";
  return undefined;
}

export function tagValueProblem(value: string): Problem {
  if (value === "") return "must not be empty";
  if (!TAG_VALUE.test(value)) return "must consist of letters, digits, '.', '-', '_' and ':'";
  return undefined;
}

/** Kubernetes' qualified name: an optional DNS prefix and a slash, then up to 63 characters. */
export function labelKeyProblem(key: string): Problem {
  const parts = key.split("/");
  const prefix = parts.length === 2 ? (parts[0] ?? "") : undefined;
  const name = parts.at(-1) ?? "";
  if (parts.length > 2) return "a label's name has one '/' at most";
  if (prefix !== undefined && (prefix.length > 253 || !DNS_SUBDOMAIN.test(prefix))) {
    return "the part of a label's name before '/' must be a DNS name in lower case";
  }
  if (name.length > 63 || !LABEL_PART.test(name)) {
    return "a label's name must have 1 to 63 letters, digits, '-', '_' and '.', and begin and end with a letter or digit";
  }
  return undefined;
}

export function labelValueProblem(value: string): Problem {
  if (value === "") return undefined;
  if (value.length > 63 || !LABEL_PART.test(value)) {
    return "must have 63 characters at most, letters, digits, '-', '_' and '.', and begin and end with a letter or digit";
  }
  return undefined;
}

/** A DNS-1035 label, as the value of `kuma.io/workload` must be. */
export function dnsLabelProblem(value: string): Problem {
  return value.length <= 63 && DNS_LABEL_1035.test(value)
    ? undefined
    : "must have 63 characters at most, lower-case letters, digits and '-', begin with a letter and end with a letter or digit";
}

/** Whether a text is an IP address without a zone (`%eth0`). */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}

/** A host name as DNS knows it. One whose last label is a number is a mistyped IP address, not a name. */
export function isDnsName(text: string): boolean {
  const bare = text.endsWith(".") ? text.slice(0, -1) : text;
  if (bare === "" || bare.length > 255 || isIP(text) !== 0) return false;
  const labels = bare.split(".");
  return labels.every((label) => HOST_LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? "");
}
