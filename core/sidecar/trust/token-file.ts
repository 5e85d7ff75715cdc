import { readFile } from "node:fs/promises";
import { MeshError } from "../../kernel/errors.ts";
import { decodeToken } from "./token-claims.ts";

/**
 * Reads the token from its file (contract, section 2.3). The file may be replaced at any time: call this whenever a
 * stream opens. MM105 when the file cannot be read, MM301 when there is no token in it; both name the path.
 */
export async function readTokenFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new MeshError("MM105", `cannot read the token file ${path}`, {
      why: (cause as Error).message,
      todo: "Make one:  monomesh generate dataplane-token --name NAME --valid-for 24h > FILE",
      cause,
    });
  }
  return checkToken(text, `the token file ${path}`);
}

/** Returns the token without the space around it; MM301 says what is wrong with `source` ("the token file x"). */
export function checkToken(text: string, source: string): string {
  const token = text.trim();
  const refuse = (what: string) =>
    new MeshError("MM301", `${source} ${what}`, {
      why: "A token is one line of three parts with dots between them, as generate dataplane-token prints it.",
    });
  if (token === "") throw refuse("is empty");
  if (/[\r\n]/.test(token)) throw refuse("has more than one line");
  if (!decodeToken(token)) throw refuse("holds no token (JWT)");
  return token;
}
