import assert from "node:assert/strict";
import type { ContractCase } from "../../kernel/contract.ts";
import { MeshError } from "../../kernel/errors.ts";
import type { PresenceSpec } from "../../model/dataplane-presence.ts";
import type { Resource, ResourceDraft } from "../../model/resource.ts";
import { type DataplaneSpec, dataplaneType } from "../../model/types/dataplane.ts";
import { deepFreeze } from "../../store/stored-value.ts";
import type { Admission, AdmissionRequest, Lifecycle } from "../lifecycle.ts";
import type { ProxyStream } from "../presence.ts";

export interface LifecycleCaseContext {
  readonly lifecycle: Lifecycle;
  /** A stream of the proxy `web-1` of mesh `default` with a valid definition, or what `change` says instead. */
  streamOf(change?: Partial<ProxyStream>): ProxyStream;
}

export type LifecycleCase = ContractCase<LifecycleCaseContext>;

const stored = <Spec>(draft: ResourceDraft<Spec>): Resource<Spec> =>
  deepFreeze({ ...draft, creationTime: 1, modificationTime: 1, version: 1, revision: 1 });

const DEFINITION: ResourceDraft<DataplaneSpec> = deepFreeze({
  type: "Dataplane",
  mesh: "default",
  name: "web-1",
  labels: {},
  spec: {
    networking: {
      address: "192.168.0.1",
      inbound: [{ port: 8080, servicePort: 80, tags: { "kuma.io/service": "web" } }],
    },
  },
});
const MESH = stored({ type: "Mesh", mesh: "", name: "default", labels: {}, spec: {} });

export function streamOf(change: Partial<ProxyStream> = {}): ProxyStream {
  return Object.freeze({
    proxy: Object.freeze({ mesh: "default", name: "web-1" }),
    streamId: "stream-1",
    incarnation: "incarnation-1",
    definition: DEFINITION,
    peer: "192.168.0.1:40000",
    signal: new AbortController().signal,
    authenticate: async () => undefined,
    end: () => undefined,
    ...change,
  });
}

/** Every kind of request there is: with and without definition, known and new, before the first and after a later stream. */
function requests(change: Partial<ProxyStream> = {}): AdmissionRequest[] {
  const previous = deepFreeze({ state: "left", ownsDataplane: true, lifecycle: "direct" }) as unknown as PresenceSpec;
  const existing = stored(DEFINITION);
  return [DEFINITION, undefined].flatMap((definition) =>
    [undefined, existing].flatMap((known) =>
      [undefined, previous].map((before) =>
        Object.freeze({ stream: streamOf({ definition, ...change }), mesh: MESH, existing: known, previous: before }),
      ),
    ),
  );
}

/** The admission, or the code it was refused with. */
async function admissionOf(lifecycle: Lifecycle, request: AdmissionRequest): Promise<Admission | string> {
  try {
    return await lifecycle.admit(request);
  } catch (error) {
    assert.ok(error instanceof MeshError, `a refusal must be a MeshError, not ${String(error)}`);
    assert.ok(error.message.length > 0, "a refusal says why");
    return error.code;
  }
}

/** The contract of `Lifecycle`, in the order of the report. */
export const LIFECYCLE_CASES: readonly LifecycleCase[] = [
  {
    name: "it says of every stream whether it serves it, and always the same",
    run({ lifecycle }) {
      for (const { stream } of requests()) {
        const accepts = lifecycle.accepts(stream);
        assert.equal(typeof accepts, "boolean");
        assert.equal(lifecycle.accepts(stream), accepts);
      }
    },
  },
  {
    name: "it admits a proxy with a valid Dataplane of that proxy, or refuses it with a MeshError",
    async run({ lifecycle }) {
      for (const request of requests()) {
        if (!lifecycle.accepts(request.stream)) continue;
        const admission = await admissionOf(lifecycle, request);
        if (typeof admission === "string") continue;
        const { dataplane, ownsDataplane } = admission;
        assert.deepEqual([dataplane.type, dataplane.mesh, dataplane.name], ["Dataplane", "default", "web-1"]);
        assert.deepEqual(dataplaneType.validate(dataplane as ResourceDraft<DataplaneSpec>), []);
        assert.equal(typeof ownsDataplane, "boolean");
      }
    },
  },
  {
    name: "it decides the same again: admission is tried anew when something changed meanwhile",
    async run({ lifecycle }) {
      for (const request of requests()) {
        if (!lifecycle.accepts(request.stream)) continue;
        const first = await admissionOf(lifecycle, request);
        assert.deepEqual(await admissionOf(lifecycle, request), first);
      }
    },
  },
  {
    name: "a stored Dataplane is changed only for a credential that is valid for it too",
    async run({ lifecycle }) {
      const authenticate = async () => {
        throw new MeshError("MM311", "the token is for another proxy");
      };
      const definition = {
        ...DEFINITION,
        spec: { networking: { ...DEFINITION.spec.networking, address: "10.0.0.9" } },
      };
      for (const request of requests({ authenticate })) {
        const { existing } = request;
        if (!existing) continue;
        for (const stream of [request.stream, streamOf({ authenticate, definition })]) {
          if (!lifecycle.accepts(stream)) continue;
          const admission = await admissionOf(lifecycle, { ...request, stream });
          if (typeof admission === "string") continue;
          assert.deepEqual(admission.dataplane.spec, existing.spec, "it changed what the credential is not valid for");
        }
      }
    },
  },
  {
    name: "it brings no Dataplane of another proxy into being",
    async run({ lifecycle }) {
      for (const change of [{ name: "web-2" }, { mesh: "other" }, { type: "Mesh" }]) {
        const stream = streamOf({ definition: { ...DEFINITION, ...change } });
        if (!lifecycle.accepts(stream)) continue;
        const request = { stream, mesh: MESH, existing: undefined, previous: undefined };
        const admission = await admissionOf(lifecycle, request);
        if (typeof admission === "string") continue;
        const { type, mesh, name } = admission.dataplane;
        assert.deepEqual([type, mesh, name], ["Dataplane", "default", "web-1"]);
      }
    },
  },
  {
    name: "after a leave the Dataplane stays or goes, and always the same",
    run({ lifecycle }) {
      for (const ownsDataplane of [true, false]) {
        const presence = deepFreeze({ state: "leaving", ownsDataplane, lifecycle: lifecycle.name }) as never;
        const answer = lifecycle.afterLeave(presence);
        assert.ok(answer === "keep" || answer === "delete", `"keep" or "delete", not ${String(answer)}`);
        assert.equal(lifecycle.afterLeave(presence), answer);
        if (!ownsDataplane) assert.equal(answer, "keep", "a Dataplane that a user made is not deleted by a leave");
      }
    },
  },
];
