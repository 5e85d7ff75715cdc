import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { createRegistry, type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import {
  HttpGrpcAccessLogConfigSchema,
  TcpGrpcAccessLogConfigSchema,
} from "#envoy/extensions/access_loggers/grpc/v3/als_pb.js";
import { FilterConfigSchema } from "#envoy/extensions/filters/http/grpc_stats/v3/config_pb.js";
import { RouterSchema } from "#envoy/extensions/filters/http/router/v3/router_pb.js";
import { HttpConnectionManagerSchema } from "#envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { TcpProxySchema } from "#envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import { PreviousHostsPredicateSchema } from "#envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import { HttpProtocolOptionsSchema } from "#envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";

const FOLDER = join(import.meta.dirname, "../../golden/envoy");
const UPDATE = process.env["UPDATE_GOLDEN"] === "1";

/** Everything that hides inside an Any. */
export const registry = createRegistry(
  FilterConfigSchema,
  HttpGrpcAccessLogConfigSchema,
  HttpConnectionManagerSchema,
  HttpProtocolOptionsSchema,
  PreviousHostsPredicateSchema,
  RouterSchema,
  TcpGrpcAccessLogConfigSchema,
  TcpProxySchema,
);

export function readable<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): unknown {
  return toJson(schema, message, { registry, useProtoFieldName: true });
}

/**
 * The golden files of one test file: `<group>.<name>.json` in test/golden/envoy. With UPDATE_GOLDEN=1 they are written
 * instead of compared. A file of the group that no test asked for is deleted then, and an error otherwise.
 */
export function goldenGroup(group: string): (name: string, actual: unknown) => void {
  const used = new Set<string>();
  after(() => {
    const stale = readdirSync(FOLDER).filter((file) => file.startsWith(`${group}.`) && !used.has(file));
    if (UPDATE) for (const file of stale) rmSync(join(FOLDER, file));
    else assert.deepEqual(stale, [], "golden files that no test asks for; UPDATE_GOLDEN=1 deletes them");
  });
  return (name, actual) => {
    const file = `${group}.${name}.json`;
    const text = `${JSON.stringify(actual, undefined, 2)}\n`;
    used.add(file);
    if (UPDATE) {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(join(FOLDER, file), text);
    } else {
      assert.equal(text, readFileSync(join(FOLDER, file), "utf8"), `${file} differs; UPDATE_GOLDEN=1 rewrites it`);
    }
  };
}
