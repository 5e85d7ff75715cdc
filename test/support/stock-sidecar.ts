import { request } from "node:https";
import { createRestClient, expectOk } from "../../cmd/ctl/rest-client.ts";
import { EnvoyProcess } from "../core/xds/envoy/envoy-process.ts";

export interface StockSidecar {
  /** URL of the REST server, for the token. */
  readonly api: string;
  /** `https://127.0.0.1:5678` */
  readonly dpAddress: string;
  readonly name: string;
  /** The definition as JSON; undefined: Indirect. */
  readonly definition?: unknown;
}

/** A sidecar as a stock kuma-dp makes it: Envoy with the bootstrap that the control plane gives to it, and nothing of ours. */
export async function startStockSidecar({ api, dpAddress, name, definition }: StockSidecar): Promise<EnvoyProcess> {
  const rest = createRestClient({ url: api }, { timeoutMs: 5000 });
  const token = String(expectOk(await rest.post("/tokens/dataplane", { mesh: "default", name }), "no token"));
  const envoy = await EnvoyProcess.start(async (workdir) => {
    const reply = await post(`${dpAddress}/bootstrap`, {
      mesh: "default",
      name,
      proxyType: "dataplane",
      dataplaneToken: token,
      ...(definition === undefined ? {} : { dataplaneResource: JSON.stringify(definition) }),
      version: { kumaDp: { version: "2.14.3" }, envoy: { version: "1.40.0", kumaDpCompatible: true } },
      caCert: "",
      readinessPort: 9902,
      operatingSystem: "linux",
      features: ["feature-reuse-port", "feature-strict-inbound-ports"],
      workdir,
      ipv6Enabled: true,
    });
    const { bootstrap } = JSON.parse(reply) as { bootstrap: string };
    return JSON.parse(Buffer.from(bootstrap, "base64").toString());
  });
  return envoy.useAdminSocket("kuma-envoy-admin.sock");
}

function post(url: string, body: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { accept: "application/json", "content-type": "application/json" };
    const call = request(url, { method: "POST", headers, rejectUnauthorized: false, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))));
    });
    call.on("error", reject);
    call.end(JSON.stringify(body));
  });
}
