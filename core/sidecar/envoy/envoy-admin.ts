import { request } from "node:http";
import type { AdminAddress } from "../bootstrap/rewrite.ts";

export interface EnvoyListener {
  /** `inbound:192.168.0.1:9000` */
  readonly name: string;
  /** As in the names of statistics: `192.168.0.1_9000`. */
  readonly statName: string;
}

/** Endpoints of one cluster. */
export interface EnvoyCluster {
  readonly name: string;
  readonly total: number;
  readonly healthy: number;
}

const TIMEOUT_MS = 2000;

/** Envoy's admin interface, as far as the supervisor uses it. Every call is a connection of its own. */
export class EnvoyAdmin {
  readonly #address: AdminAddress;

  constructor(address: AdminAddress) {
    this.#address = address;
  }

  /** Status and body of `GET /ready`: `LIVE`, `PRE_INITIALIZING`, `INITIALIZING` or `DRAINING`. Undefined when Envoy does not answer. */
  async ready(): Promise<{ readonly status: number; readonly state: string } | undefined> {
    try {
      const { status, body } = await this.#call("GET", "/ready");
      return { status, state: body.trim() };
    } catch {
      return undefined;
    }
  }

  /** From now on `/ready` is 503, HTTP/1.1 answers say `connection: close`, HTTP/2 clients get GOAWAY. */
  async failHealthcheck(): Promise<void> {
    const { status } = await this.#call("POST", "/healthcheck/fail");
    if (status !== 200) throw new Error(`status ${status}`);
  }

  /** Closes the inbound listeners gracefully, without ending Envoy. */
  async drainListeners(): Promise<void> {
    await this.#call("POST", "/drain_listeners?inboundonly&graceful&skip_exit");
  }

  /** Closes listening sockets at once, all or those of the inbounds; connections go on. */
  async stopListening(which: "all" | "inbounds" = "all"): Promise<void> {
    await this.#call("POST", `/drain_listeners${which === "inbounds" ? "?inboundonly" : ""}`);
  }

  /** Open connections over all listeners, the admin's own aside. */
  async openConnections(): Promise<number> {
    const gauges = await this.stats("^listener\\..*\\.downstream_cx_active$");
    return [...gauges].reduce((sum, [name, value]) => (name.startsWith("listener.admin.") ? sum : sum + value), 0);
  }

  async listeners(): Promise<EnvoyListener[]> {
    const { body } = await this.#call("GET", "/listeners?format=json");
    const { listener_statuses: all = [] } = JSON.parse(body || "{}") as ListenersJson;
    return all.map(({ name, local_address: address }) => {
      const socket = address?.socket_address;
      const host = socket?.address ?? "";
      const text = host.includes(":") ? `[${host}]:${socket?.port_value}` : `${host}:${socket?.port_value}`;
      return { name, statName: text.replaceAll(":", "_") };
    });
  }

  async clusters(): Promise<EnvoyCluster[]> {
    const { body } = await this.#call("GET", "/clusters?format=json");
    const { cluster_statuses: all = [] } = JSON.parse(body || "{}") as ClustersJson;
    return all.map(({ name, host_statuses: hosts = [] }) => ({
      name,
      total: hosts.length,
      healthy: hosts.filter((host) => (host.health_status?.eds_health_status ?? "HEALTHY") === "HEALTHY").length,
    }));
  }

  /** Values of the counters and gauges whose names the expression (RE2) matches. */
  async stats(expression: string): Promise<Map<string, number>> {
    const { body } = await this.#call("GET", `/stats?filter=${encodeURIComponent(expression)}`);
    return new Map(
      body.split("\n").flatMap((line) => {
        const at = line.lastIndexOf(": ");
        const value = Number(line.slice(at + 2));
        return at > 0 && !Number.isNaN(value) ? [[line.slice(0, at), value] as const] : [];
      }),
    );
  }

  #call(method: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
    const address = this.#address;
    const target = "path" in address ? { socketPath: address.path } : { host: address.host, port: address.port };
    const call = request({ ...target, method, path, agent: false, timeout: TIMEOUT_MS, headers: { host: "envoy" } });
    call.once("timeout", () => call.destroy(new Error("Envoy's admin does not answer")));
    call.once("error", reject);
    call.once("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    call.end();
    return promise;
  }
}

interface ListenersJson {
  readonly listener_statuses?: readonly {
    readonly name: string;
    readonly local_address?: { readonly socket_address?: { readonly address: string; readonly port_value: number } };
  }[];
}

interface ClustersJson {
  readonly cluster_statuses?: readonly {
    readonly name: string;
    readonly host_statuses?: readonly { readonly health_status?: { readonly eds_health_status?: string } }[];
  }[];
}
