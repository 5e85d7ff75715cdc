import { spawn, spawnSync } from "node:child_process";
import type { Program } from "../../cmd/demo/child.ts";
import type { Scope } from "../../core/kernel/scope.ts";
import { packaged } from "./executable.ts";

/** What this machine lacks for a host of its own; undefined when nothing is missing. */
export function lackingForNetHosts(): string | undefined {
  if (process.getuid?.() !== 0) return "this machine lacks root (for a network namespace)";
  if (spawnSync("ip", ["-Version"]).status !== 0) return "this machine lacks ip (iproute2)";
  if (spawnSync("unshare", ["--net", "true"]).status !== 0) return "this machine lacks network namespaces";
  return undefined;
}

/** Another machine, as far as the network goes: a namespace with one cable to this one. */
export interface NetHost {
  /** Its address, and ours at the other end of the cable. */
  readonly address: string;
  readonly ours: string;
  /** Runs the packaged executable there. */
  readonly program: Program;
  /** An HTTP application there, on its 127.0.0.1, that answers with the name. */
  startApp(name: string, port: number): Promise<void>;
  /** The cable is pulled at its end: packets to it vanish, and it says no goodbye. */
  unplug(): void;
  plug(): void;
}

let made = 0;

export function openNetHost(scope: Scope): NetHost {
  const id = `${process.pid}-${++made}`;
  const namespace = `mesh-${id}`;
  const [near, far] = [`mn${id}`, `mf${id}`];
  const net = `10.${100 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 256)}`;
  const [ours, address] = [`${net}.1`, `${net}.2`];
  const inside = ["netns", "exec", namespace];
  ip("netns", "add", namespace);
  scope.defer(() => void spawnSync("ip", ["netns", "del", namespace]));
  ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", namespace);
  scope.defer(() => void spawnSync("ip", ["link", "del", near]));
  ip("address", "add", `${ours}/30`, "dev", near);
  ip("link", "set", near, "up");
  ip("-n", namespace, "address", "add", `${address}/30`, "dev", far);
  for (const device of ["lo", far]) ip("-n", namespace, "link", "set", device, "up");
  return {
    address,
    ours,
    program: (args) => {
      const { file, args: rest } = packaged(args);
      return { file: "ip", args: [...inside, file, ...rest] };
    },
    async startApp(name, port) {
      const app = spawn("ip", [...inside, process.execPath, "-e", APP, name, String(port)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      scope.defer(() => void app.kill("SIGKILL"));
      await new Promise((resolve, reject) => {
        app.stdout.once("data", resolve);
        app.once("exit", (code) => reject(new Error(`the application ended with ${code}`)));
      });
    },
    unplug: () => ip("-n", namespace, "link", "set", far, "down"),
    plug: () => ip("-n", namespace, "link", "set", far, "up"),
  };
}

const APP = `
const [, name, port] = process.argv;
require("node:http").createServer((_, response) => response.end(name)).listen(Number(port), "127.0.0.1", () => console.log("up"));
`;

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}
