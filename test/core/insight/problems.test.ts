import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigStatus } from "../../../core/insight/config-status.ts";
import { findProblems, PROBLEM_KINDS, type ProxyFacts } from "../../../core/insight/problems.ts";
import { proxyStatus } from "../../../core/insight/status.ts";
import { dataplaneOf, type ProxyInit, presenceOf } from "../../cmd/proxies.ts";

const NOW = Date.UTC(2026, 0, 31, 3, 4, 11);
const AGO = NOW - 130_000;
const CURRENT: ConfigStatus = { state: "current", since: AGO, behind: 0, wanted: 1, acknowledged: 1, reason: "" };

type Init = Omit<ProxyInit, "insight"> & { readonly config?: Partial<ConfigStatus> };

function proxy(name: string, init: Init = {}): ProxyFacts {
  const dataplane = dataplaneOf(init);
  const presence = init.presence === false ? undefined : presenceOf({ since: AGO, lastSeen: AGO, ...init.presence });
  const status = proxyStatus(dataplane, undefined, presence);
  return { name, dataplane, presence, status, config: { ...CURRENT, ...init.config } };
}

const LOST = { state: "lost", reason: "no sign of life" } as const;

/** What is shown of each: severity, kind, text, next. */
const CASES: readonly {
  readonly name: string;
  readonly proxies: readonly ProxyFacts[];
  readonly shown: readonly string[];
}[] = [
  { name: "nothing, in an empty mesh", proxies: [], shown: [] },
  {
    name: "nothing, when all is well",
    proxies: [proxy("web-1", { service: "web", outbound: ["redis"] }), proxy("redis-1")],
    shown: [],
  },
  {
    name: "an orderly leave is no trouble; the service it leaves empty is, once somebody calls it",
    proxies: [proxy("redis-1", { presence: { state: "left" } })],
    shown: [],
  },
  {
    name: "a lost proxy, with how many are left",
    proxies: [proxy("redis-1"), proxy("redis-2", { presence: LOST })],
    shown: [
      "problem lost: redis-2 lost 2m10s ago: no sign of life; 1 of 2 redis left > monomesh inspect dataplane redis-2",
    ],
  },
  {
    name: "an offline one",
    proxies: [proxy("redis-1"), proxy("redis-2", { presence: { state: "offline", reason: "no sign of life for 5m" } })],
    shown: [
      "problem offline: redis-2 is offline, last seen 2m10s ago: no sign of life for 5m; 1 of 2 redis left > monomesh inspect dataplane redis-2",
    ],
  },
  {
    name: "one that never connected is only to be looked at",
    proxies: [proxy("redis-1", { presence: false })],
    shown: ["warning never-connected: redis-1 never connected > monomesh inspect dataplane redis-1"],
  },
  {
    name: "a service that is called and has only the last choice comes before its lost proxies",
    proxies: [proxy("web-1", { service: "web", outbound: ["redis"] }), proxy("redis-1", { presence: LOST })],
    shown: [
      "problem last-choice: redis has only endpoints of last choice, redis-1; used by web-1 > monomesh inspect dataplane redis-1",
      "problem lost: redis-1 lost 2m10s ago: no sign of life; 0 of 1 redis left > monomesh inspect dataplane redis-1",
    ],
  },
  {
    name: "a service that is called and whose only application does not answer",
    proxies: [
      proxy("web-1", { service: "web", outbound: ["redis"] }),
      proxy("redis-1", { presence: { notReady: [9000] } }),
    ],
    shown: [
      "problem no-endpoint: redis has no endpoint: redis-1 takes no traffic; used by web-1 > monomesh inspect dataplane redis-1",
      "problem application: redis-1: no answer from the application behind port 9000; 0 of 1 redis left > monomesh inspect dataplane redis-1",
    ],
  },
  {
    name: "a service that nobody offers, with the nearest that somebody does",
    proxies: [proxy("web-1", { service: "web", outbound: ["redsi"] }), proxy("redis-1")],
    shown: [
      "problem nobody-offers: nobody offers redsi; used by web-1. Nearest: redis > monomesh inspect dataplane web-1",
    ],
  },
  {
    name: "nobody calls it from a proxy that is not connected",
    proxies: [proxy("web-1", { service: "web", outbound: ["redsi"], presence: { state: "left" } })],
    shown: [],
  },
  {
    name: "a mass loss is one line, not one for each proxy",
    proxies: [
      proxy("web-1", { service: "web" }),
      ...[1, 2, 3].map((at) => proxy(`redis-${at}`, { presence: { ...LOST, endpoints: "healthy" } })),
    ],
    shown: [
      "problem mass-loss: 3 proxies were lost at once; their endpoints stay in use, as probably this control plane is cut off from them > monomesh events --since 1h",
    ],
  },
  {
    name: "a refused configuration, with Envoy's reason",
    proxies: [
      proxy("api-3", {
        config: { state: "rejected", behind: 1, reason: "Envoy refused inbound:10.0.0.23:80 (lds): in use" },
      }),
    ],
    shown: [
      "warning rejected: api-3 runs an old configuration: Envoy refused inbound:10.0.0.23:80 (lds): in use > monomesh inspect dataplane api-3",
    ],
  },
  {
    name: "a configuration that has been on its way for long, but not one that just left",
    proxies: [
      proxy("api-3", { config: { state: "behind", behind: 2, since: AGO } }),
      proxy("api-4", { config: { state: "behind", behind: 1, since: NOW - 2000 } }),
    ],
    shown: [
      "warning behind: api-3 has not acknowledged its configuration for 2m10s > monomesh inspect dataplane api-3",
    ],
  },
  {
    name: "two sidecars of one name",
    proxies: [proxy("redis-1", { presence: { rival: "10.0.0.9:4000" } })],
    shown: [
      "warning twice: redis-1 runs twice: another sidecar of this name, at 10.0.0.9:4000, has to wait > monomesh events --name redis-1",
    ],
  },
];

for (const { name, proxies, shown } of CASES) {
  test(name, () => {
    const problems = findProblems("default", proxies, NOW);
    assert.deepEqual(
      problems.map(({ severity, kind, text, next }) => `${severity} ${kind}: ${text} > ${next}`),
      shown,
    );
  });
}

test("commands name another mesh, and the worst come first whatever the order of the proxies", () => {
  const proxies = [
    proxy("a-twice", { presence: { rival: "x:1" } }),
    proxy("b-lost", { presence: LOST }),
    proxy("c-calls", { service: "web", outbound: ["nothing"] }),
    proxy("d-never", { presence: false }),
  ];
  const kinds = findProblems("prod", proxies, NOW).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["nobody-offers", "lost", "twice", "never-connected"]);
  assert.deepEqual(findProblems("prod", proxies.toReversed(), NOW), findProblems("prod", proxies, NOW));
  assert.ok(findProblems("prod", proxies, NOW).every(({ next }) => next.endsWith(" -m prod")));
  assert.deepEqual(
    kinds,
    [...kinds].sort((a, b) => PROBLEM_KINDS.indexOf(a) - PROBLEM_KINDS.indexOf(b)),
  );
});
