import { CODE_HEADER } from "../../kernel/error-line.ts";
import { ERROR_TABLE, type ErrorCode } from "../../kernel/error-table.ts";
import { MeshError } from "../../kernel/errors.ts";
import type { Answer } from "../control-plane/post.ts";

/** What an answer to `POST /bootstrap` means (contract, section 2.5). */
export type Verdict =
  | { readonly kind: "accepted" }
  /** Indirect: the Dataplane is not there yet. */
  | { readonly kind: "not-there-yet" }
  | { readonly kind: "again"; readonly reason: string }
  | { readonly kind: "refused"; readonly error: MeshError };

export interface Asker {
  readonly name: string;
  readonly address: string;
  readonly tokenGiven: boolean;
}

const WRONG_PORT_BODY = "404: Page Not Found";

export function classifyAnswer(answer: Answer, asker: Asker): Verdict {
  const { status, body } = answer;
  if (status === 200) return { kind: "accepted" };
  if (status === 404 && body === "") return { kind: "not-there-yet" };
  if (status === 404 && (body.trim() === WRONG_PORT_BODY || answer.headers["content-type"]?.includes("json"))) {
    return { kind: "refused", error: wrongPort(asker) };
  }
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return { kind: "refused", error: refusal(body.trim() || `status ${status}`, asker, answer.headers[CODE_HEADER]) };
  }
  return {
    kind: "again",
    reason: body.trim() ? `${body.trim().slice(0, 200)} (status ${status})` : `status ${status}`,
  };
}

function wrongPort({ address }: Asker): MeshError {
  return new MeshError("MM121", `${address} answers, but has no /bootstrap: it is not the port for sidecars`, {
    todo: "The DP server's port is 5678 unless dpServer.port of the control plane says otherwise.",
  });
}

/** What to do for somebody who passed no token, perhaps by the missing backslash of Kuma's page. */
export const NO_TOKEN_HINT =
  "No token was given. Make one:  monomesh generate dataplane-token --name NAME > FILE\nand pass it with --dataplane-token-file=FILE. (In a command of several lines each but the last ends in \\.)";

/** The control plane's own words, with the code it put at the end if it is a monomesh. Its first sentence is the reason. */
export function refusal(text: string, asker: Pick<Asker, "name" | "tokenGiven">, named?: unknown): MeshError {
  const { code, sentence } = splitCode(text);
  const [reason = "", ...advice] = sentence.split(/(?<=[.!?]) (?=[A-Z])/);
  const ended = /[.!?]$/.test(reason) ? reason : `${reason}.`;
  const todo = [...advice, ...(asker.tokenGiven ? [] : [NO_TOKEN_HINT])].join("\n");
  return new MeshError(
    code ?? knownCode(named) ?? "MM700",
    `the control plane refused ${asker.name}: ${ended} ${NOTHING_STARTED}`,
    { todo: todo || undefined },
  );
}

export const NOTHING_STARTED = "Nothing was started.";

/** `…: the token is for redis-1. (MM311)` */
export function splitCode(text: string): { readonly code: ErrorCode | undefined; readonly sentence: string } {
  const match = /\s*\((MM\d{3})\)\s*$/.exec(text);
  const code = knownCode(match?.[1]);
  return match && code ? { code, sentence: text.slice(0, match.index) } : { code: undefined, sentence: text };
}

function knownCode(code: unknown): ErrorCode | undefined {
  return typeof code === "string" && code in ERROR_TABLE ? (code as ErrorCode) : undefined;
}
