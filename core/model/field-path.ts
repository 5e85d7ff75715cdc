/** Steps from the root of a definition to a field: object keys and list indexes. */
export type FieldPath = readonly (string | number)[];

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Writes a path as Kuma does: `networking.inbound[0].tags["kuma.io/service"]`. The empty path is the empty string. */
export function fieldText(path: FieldPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (PLAIN_KEY.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** Reads what `fieldText` wrote; undefined when the text is no path. */
export function parseFieldPath(text: string): FieldPath | undefined {
  const step = /(?:^|\.)([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;
  const path: (string | number)[] = [];
  while (step.lastIndex < text.length) {
    const match = step.exec(text);
    if (!match) return undefined;
    const [, key, index, quoted] = match;
    if (key !== undefined) path.push(key);
    else if (index !== undefined) path.push(Number(index));
    else {
      const value = unquote(quoted ?? "");
      if (value === undefined) return undefined;
      path.push(value);
    }
  }
  return path;
}

function unquote(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

/** Whether the field is `ancestor` itself or inside it. */
export function isWithin(field: string, ancestor: string): boolean {
  return field === ancestor || field.startsWith(`${ancestor}.`) || field.startsWith(`${ancestor}[`);
}

/** The field of the object or list that holds this one. */
export function parentField(field: string): string {
  return fieldText((parseFieldPath(field) ?? []).slice(0, -1));
}
