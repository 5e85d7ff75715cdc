import { setTimeout as sleep } from "node:timers/promises";
import { startHttpApp } from "../../../cmd/demo/apps.ts";
import type { Program, RoleProcess } from "../../../cmd/demo/child.ts";
import { type DemoMesh, openDemoMesh, type SidecarSpec } from "../../../cmd/demo/demo-mesh.ts";
import { eventually } from "../../../cmd/demo/eventually.ts";
import { freePorts } from "../../../cmd/demo/free-ports.ts";
import { get, type Load, startLoad } from "../../../cmd/demo/load.ts";
import type { Scope } from "../../../core/kernel/scope.ts";
import { type FrozenLink, openLink } from "../../core/sidecar/frozen-link.ts";
import { packaged } from "../../support/executable.ts";
import { openInDir } from "../../support/open-in-dir.ts";

export interface StageOptions {
  /** Further proxies that consume backend, so that a leave has more to wait for. Default 0. */
  readonly more?: number | undefined;
  /** Variables of the control plane. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Whether sidecars reach the control plane through a link that can be cut. */
  readonly link?: boolean | undefined;
  /** Whether the instances of backend have a service probe. Default false. */
  readonly probed?: boolean | undefined;
  /** Requests a second under which the scenarios play; each on a new connection. */
  readonly rate?: number | undefined;
}

/**
 * Where the scenarios play: a control plane and real sidecars of the packaged executable. `web-1` sends requests to the
 * services `backend` (backend-1, backend-2) and `cart` (cart-1; cart-2 is not started); applications note when requests arrive.
 */
export interface Stage extends AsyncDisposable {
  readonly mesh: DemoMesh;
  readonly scope: Scope;
  /** Ports of web-1's outbounds. */
  readonly toBackend: number;
  readonly toCart: number;
  readonly link: FrozenLink | undefined;
  /** Names of all sidecars. */
  readonly names: readonly string[];
  spec(name: string): SidecarSpec;
  sidecar(name: string): RoleProcess;
  /** Starts a sidecar (again); resolves when it serves. */
  start(name: string, args?: readonly string[], program?: Program): Promise<RoleProcess>;
  /** Wall-clock times at which requests arrived at an application. */
  arrivals(name: string): readonly number[];
  /** Ends an application, and starts it again. */
  endApp(name: string): Promise<void>;
  startApp(name: string): Promise<void>;
  /** Load on backend; resolves when both instances have answered for a while. */
  loadOnBackend(): Promise<Load>;
}

/** Load runs this long before something happens. */
const LEAD_MS = 500;

export function openStage(options: StageOptions = {}): Promise<Stage> {
  return openInDir("stage", (scope, dir) => setUp(scope, dir, options));
}

async function setUp(scope: Scope, dir: string, options: StageOptions): Promise<Stage> {
  const { more = 0, env, probed = false, rate = 100 } = options;
  const mesh = await openDemoMesh(scope, dir, { program: packaged, env });
  await mesh.startControlPlane();
  const link = options.link ? await openLink(() => Number(new URL(mesh.dpAddress).port)) : undefined;
  if (link) scope.defer(async () => link[Symbol.asyncDispose]());
  const viaLink = link ? [`--cp-address=https://127.0.0.1:${link.port}`] : [];
  const arrivals = new Map<string, number[]>();
  const specs = new Map<string, SidecarSpec>();
  const apps = new Map<string, Scope>();
  const [toBackend = 0, toCart = 0] = await freePorts(2);

  const add = async (name: string, service: string, outbounds: ReadonlyMap<number, string> = new Map()) => {
    const [port = 0, servicePort = 0] = await freePorts(2);
    arrivals.set(name, []);
    specs.set(name, {
      name,
      service,
      protocol: "http",
      port,
      servicePort,
      outbounds,
      probed: probed && service === "backend",
    });
    await startApp(name);
  };
  const startApp = async (name: string) => {
    const app = scope.child(name);
    apps.set(name, app);
    await startHttpApp(app, name, known(specs, name).servicePort, () => known(arrivals, name).push(Date.now()));
  };
  await add("backend-1", "backend");
  await add("backend-2", "backend");
  await add("cart-1", "cart");
  await add("cart-2", "cart");
  await add(
    "web-1",
    "web",
    new Map([
      [toBackend, "backend"],
      [toCart, "cart"],
    ]),
  );
  for (let at = 1; at <= more; at++) {
    const [outbound = 0] = await freePorts(1);
    await add(`more-${at}`, "more", new Map([[outbound, "backend"]]));
  }

  const stage: Stage = {
    mesh,
    scope,
    toBackend,
    toCart,
    link,
    names: [...specs.keys()].filter((name) => name !== "cart-2"),
    spec: (name) => known(specs, name),
    sidecar: (name) => known(mesh.sidecars, name),
    start: (name, args = [], program) => mesh.startSidecar(known(specs, name), [...viaLink, ...args], program),
    arrivals: (name) => known(arrivals, name),
    endApp: (name) => known(apps, name).close(),
    startApp,
    async loadOnBackend() {
      const load = startLoad(toBackend, rate);
      await Promise.all(["backend-1", "backend-2"].map((name) => load.firstAnswer(name, 10_000)));
      await sleep(LEAD_MS);
      return load;
    },
    [Symbol.asyncDispose]: () => scope.close(),
  };
  // A machine with two cores starts few at a time faster than all at once.
  const waiting = [...stage.names];
  const starters = Array.from({ length: 4 }, async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) await stage.start(name);
  });
  await Promise.all(starters);
  for (const port of [toBackend, toCart]) {
    await eventually(
      () => get(port, "/"),
      ({ status }) => status === 200,
    );
  }
  return stage;
}

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`there is no ${name} on this stage`);
  return found;
}
