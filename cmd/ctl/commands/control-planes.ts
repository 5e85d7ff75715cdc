import { MeshError } from "../../../core/kernel/errors.ts";
import { readContexts, writeContexts } from "../contexts.ts";
import { kumactlTable, tableText } from "../output/table.ts";
import { createRestClient } from "../rest-client.ts";
import type { Session } from "../session.ts";

export interface AddControlPlaneOptions {
  readonly name: string;
  readonly address: string;
  readonly overwrite: boolean;
  readonly skipCheck: boolean;
  readonly skipVerify: boolean;
  readonly caCertFile?: string | undefined;
  readonly authType?: string | undefined;
  readonly authConf: readonly string[];
}

/** Adds a control plane and makes it the current one, after asking it whether it is one. */
export async function runAddControlPlane(session: Session, options: AddControlPlaneOptions): Promise<number> {
  if (!/^https?:\/\//.test(options.address)) {
    throw new MeshError("MM100", `--address ${options.address} must begin with http:// or https://`);
  }
  const file = await readContexts(session.files.read);
  const exists = file.controlPlanes.some((each) => each.name === options.name);
  if (exists && !options.overwrite) {
    throw new MeshError("MM100", `a control plane called "${options.name}" is there already`, {
      todo: "Replace it with --overwrite.",
    });
  }
  const authConf = Object.fromEntries(
    options.authConf.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
  const apiServer = {
    url: options.address,
    ...(options.caCertFile ? { caCertFile: options.caCertFile } : {}),
    ...(options.authType ? { authType: options.authType, authConf } : {}),
    ...(options.skipVerify ? { skipVerify: true } : {}),
  };
  if (!options.skipCheck) await checkProduct(session, options.address);
  const others = {
    controlPlanes: file.controlPlanes.filter((each) => each.name !== options.name),
    contexts: file.contexts.filter((each) => each.name !== options.name),
  };
  await writeContexts(session.files.write, {
    controlPlanes: [...others.controlPlanes, { name: options.name, coordinates: { apiServer } }],
    contexts: [...others.contexts, { name: options.name, controlPlane: options.name }],
    currentContext: options.name,
  });
  session.out(`added Control Plane "${options.name}"\nswitched active Control Plane to "${options.name}"\n`);
  return 0;
}

async function checkProduct(session: Session, url: string): Promise<void> {
  const answer = await createRestClient({ url }, { timeoutMs: session.global.apiTimeout }).get("/");
  const body = answer.body as { product?: string; tagline?: string } | undefined;
  if (body?.product !== "Kuma" && body?.tagline !== "Kuma") {
    throw new MeshError("MM121", `${url} is not a control plane's API`, {
      why: `GET / answered ${answer.status} without a product name.`,
      todo: "The API is on port 5681. To add it all the same: --skip-check",
    });
  }
}

export async function runListControlPlanes(session: Session): Promise<number> {
  const file = await readContexts(session.files.read);
  const current = file.contexts.find((each) => each.name === file.currentContext)?.controlPlane;
  const rows = file.controlPlanes.map(({ name, coordinates }) => [
    name === current ? "*" : "",
    name,
    coordinates.apiServer.url,
  ]);
  session.out((session.kumactl ? kumactlTable : tableText)(["ACTIVE", "NAME", "ADDRESS"], rows));
  return 0;
}
