/** The part of an issue of zod that matters here. */
interface Issue {
  readonly code?: string | undefined;
  readonly keys?: readonly string[] | undefined;
}

/** For `z.strictObject(…, { error: unknownOption })`: names the keys that a plugin does not have. */
export function unknownOption(issue: Issue): string {
  if (issue.code !== "unrecognized_keys") return "the options must be an object";
  return `there is no option ${(issue.keys ?? []).map((key) => JSON.stringify(key)).join(", ")}`;
}
