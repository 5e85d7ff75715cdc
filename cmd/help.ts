import { VERSION } from "../core/kernel/runtime.ts";

/** `monomesh help [quickstart]`. The groups are those of ux.md, section 4.1. */
export function mainHelp(topic?: string): string {
  return topic === "quickstart" ? QUICKSTART : MAIN;
}

const MAIN = `monomesh ${VERSION}: a whole service mesh in one file

Run
  cp run [-c FILE]             the control plane
  dp run --dataplane-file F    a sidecar: runs Envoy beside one application
  demo [--keep]                a mesh on this machine, to look at

Look
  status                       what is wrong, worst first, and how to go on
  get TYPE [NAME]              resources, as table, yaml or json
  inspect dataplanes           every proxy with its status
  inspect dataplane NAME       one proxy: how it is, since when and why
  failures NAME                last failed requests of a sidecar, and why
  inspect meshtimeout NAME     the proxies that a policy selects
  wait service NAME            until enough of it is healthy
  events [-w] [--since 1h]     what changed, and who did it
  config show --origin         settings, and where each came from
  explain [CODE]               what an error code, or a flag of Envoy, means

Change
  apply -f FILE                create or update resources
  delete TYPE NAME             delete one
  generate dataplane-token     let a sidecar join

Extend
  plugin new|test|list         stores, authenticators and lifecycles of your own

Called as kuma-cp, kuma-dp or kumactl it behaves as those programs do.
First steps: monomesh help quickstart. Each command has --help with examples.
`;

const QUICKSTART = `A mesh in four commands, on one machine:

  monomesh cp run                                                     (first terminal)
  monomesh generate dataplane-token --name redis-1 > redis-1.token    (second terminal)
  cat > redis-1.yaml <<END
  type: Dataplane
  mesh: default
  name: redis-1
  networking:
    address: 127.0.0.1
    inbound:
    - port: 9000
      servicePort: 6379
      tags:
        kuma.io/service: redis
  END
  monomesh dp run --cp-address=https://127.0.0.1:5678 --dataplane-file=redis-1.yaml --dataplane-token-file=redis-1.token

Then, in a third:  monomesh get dataplanes
`;
