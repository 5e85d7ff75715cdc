import { optional, type output } from "zod/mini";
import type { Violation } from "../../kernel/errors.ts";
import type { ResourceDraft } from "../resource.ts";
import { defineResourceType, type ResourceType } from "../resource-type.ts";
import { message, text } from "../shape/fields.ts";
import { toProtoJson } from "../shape/proto-json.ts";
import { readShape } from "../shape/read-shape.ts";

const SecretShape = message({
  /** Base64. */
  data: optional(text()),
});

export type SecretSpec = output<typeof SecretShape>;

export const SECRET = "Secret";
export const GLOBAL_SECRET = "GlobalSecret";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

function validateSecret(draft: ResourceDraft<SecretSpec>): Violation[] {
  return BASE64.test(draft.spec.data ?? "") ? [] : [{ field: "data", message: "must be base64" }];
}

function secretLike(
  own: Pick<
    ResourceType,
    "name" | "path" | "pathAliases" | "scope" | "shortName" | "singularDisplayName" | "pluralDisplayName"
  >,
): ResourceType<SecretSpec> {
  return defineResourceType<SecretSpec>({
    ...own,
    readOnly: false,
    adminOnly: true,
    internal: false,
    includeInFederation: true,
    layout: "inline",
    parse: (json) => readShape(SecretShape, json),
    toJson: (spec) => toProtoJson(SecretShape, spec),
    validate: validateSecret,
  });
}

/** A secret of one mesh, such as the keys that sign its tokens. */
export const secretType = secretLike({
  name: SECRET,
  path: "secrets",
  pathAliases: [],
  scope: "Mesh",
  shortName: "sec",
  singularDisplayName: "Secret",
  pluralDisplayName: "Secrets",
});

/** A secret of the whole control plane, such as its CA. */
export const globalSecretType = secretLike({
  name: GLOBAL_SECRET,
  path: "globalsecrets",
  pathAliases: ["global-secrets"],
  scope: "Global",
  shortName: "gsec",
  singularDisplayName: "Global Secret",
  pluralDisplayName: "Global Secrets",
});
