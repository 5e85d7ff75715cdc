import { toMeshError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import { decodeToken, type TokenClaims } from "../trust/token-claims.ts";
import { checkToken, readTokenFile } from "../trust/token-file.ts";

/** The sidecar's token, as it is now. */
export interface TokenSource {
  /** The token; undefined when none was given. A file is read again each time, so that it may change. */
  current(): Promise<string | undefined>;
  /** What the token that was read last says; nothing of it is verified. */
  claims(): TokenClaims | undefined;
}

export interface TokenInputs {
  /** Empty: not given. Wins over the file. */
  readonly token: string;
  /** Empty: not given. */
  readonly file: string;
}

/**
 * Reads the token for the first time: MM105 or MM301 if that fails. Later a file that cannot be read (it is being replaced)
 * leaves the last good token in use, with a warning.
 */
export async function openTokenSource(inputs: TokenInputs, log: Logger): Promise<TokenSource> {
  let last: string | undefined;
  if (inputs.token) last = checkToken(inputs.token, "the token given");
  else if (inputs.file) last = await readTokenFile(inputs.file);
  let warned = false;
  return {
    async current() {
      if (inputs.token || !inputs.file) return last;
      try {
        last = await readTokenFile(inputs.file);
        warned = false;
      } catch (error) {
        if (!warned) log.warn("token-unreadable", `${toMeshError(error).message}; the last good token stays in use`);
        warned = true;
      }
      return last;
    },
    claims: () => (last === undefined ? undefined : decodeToken(last)),
  };
}
