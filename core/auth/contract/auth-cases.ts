import assert from "node:assert/strict";
import type { ContractCase } from "../../kernel/contract.ts";
import { MeshError } from "../../kernel/errors.ts";
import type { Resource, ResourceDraft } from "../../model/resource.ts";
import { deepFreeze } from "../../store/stored-value.ts";
import type { ProxyAuthenticator } from "../authenticator.ts";

export interface AuthCaseContext {
  readonly authenticator: ProxyAuthenticator;
}

export type AuthCase = ContractCase<AuthCaseContext>;

const REFUSALS = ["MM301", "MM302", "MM305", "MM306", "MM310", "MM311", "MM503"];

const DRAFT: ResourceDraft = deepFreeze({
  type: "Dataplane",
  mesh: "default",
  name: "web-1",
  labels: { team: "shop" },
  spec: {
    networking: {
      address: "192.168.0.1",
      inbound: [{ port: 8080, servicePort: 80, tags: { "kuma.io/service": "web" } }],
    },
  },
});
const STORED: Resource = deepFreeze({ ...DRAFT, creationTime: 1, modificationTime: 1, version: 1, revision: 1 });

const STRANGE: readonly (string | undefined)[] = [
  undefined,
  "",
  " ",
  "not-a-token",
  "a.b.c",
  "Bearer x",
  "eyJhbGciOiJub25lIn0.e30.",
  "\u0000\n\ud800🙂",
  "x".repeat(1_000_000),
];

/** `let in`, or the code of the refusal; fails when the answer is neither. */
async function answerOf(authenticator: ProxyAuthenticator, credential: string | undefined, dataplane: ResourceDraft) {
  try {
    const result: unknown = await authenticator.authenticate(credential, dataplane);
    assert.equal(result, undefined, "authenticate must resolve to nothing; everything else looks like an answer");
    return "let in";
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.ok(error instanceof MeshError, `a refusal must be a MeshError, not ${String(error)}`);
    assert.ok(REFUSALS.includes(error.code), `${error.code} is no refusal; one of ${REFUSALS.join(", ")}`);
    assert.ok(error.message.length > 0, "a refusal says why");
    const said = [error.message, error.where, error.why, error.todo].join("\n");
    if (credential && credential.trim().length > 4) {
      assert.ok(!said.includes(credential), "a refusal must not repeat the credential: it ends in logs");
    }
    return error.code;
  }
}

/** The contract of `ProxyAuthenticator`, in the order of the report. */
export const AUTH_CASES: readonly AuthCase[] = [
  {
    name: "every credential is let in or refused with a MeshError of the range MM3xx, whatever it is",
    async run({ authenticator }) {
      for (const credential of STRANGE) await answerOf(authenticator, credential, DRAFT);
    },
  },
  {
    name: "a Dataplane as it is presented and as it is stored get the same answer",
    async run({ authenticator }) {
      for (const credential of STRANGE) {
        const presented = await answerOf(authenticator, credential, DRAFT);
        assert.equal(await answerOf(authenticator, credential, STORED), presented);
      }
    },
  },
  {
    name: "the same question gets the same answer again",
    async run({ authenticator }) {
      for (const credential of STRANGE) {
        const first = await answerOf(authenticator, credential, DRAFT);
        for (let round = 0; round < 3; round++) {
          assert.equal(await answerOf(authenticator, credential, DRAFT), first);
        }
      }
    },
  },
  {
    name: "500 questions at once are all answered",
    async run({ authenticator }) {
      const ask = (at: number) => answerOf(authenticator, STRANGE[at % 6], { ...DRAFT, name: `web-${at % 7}` });
      const answers = await Promise.all(Array.from({ length: 500 }, (_, at) => ask(at)));
      assert.equal(answers.length, 500);
    },
  },
  {
    name: "a Dataplane without service, and one of another mesh, do not upset it",
    async run({ authenticator }) {
      for (const credential of STRANGE) {
        await answerOf(authenticator, credential, { ...DRAFT, spec: { networking: { address: "192.168.0.1" } } });
        await answerOf(authenticator, credential, { ...DRAFT, mesh: "no-such-mesh" });
      }
    },
  },
];
