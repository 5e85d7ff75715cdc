import type { MessageInitShape } from "@bufbuild/protobuf";
import { ComparisonFilter_Op } from "#envoy/config/accesslog/v3/accesslog_pb.js";
import type { LocalReplyConfigSchema } from "#envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { type FailureDirection, LOCAL_REPLY_HEADER, MESH_VARIABLE, NAME_VARIABLE } from "../model/request-failure.ts";
import { statusCodeFilter } from "./failure-log.ts";

const DATAPLANE = { name: `%ENVIRONMENT(${NAME_VARIABLE})%`, mesh: `%ENVIRONMENT(${MESH_VARIABLE})%` };
const REASON = "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%";

/**
 * Answers that Envoy makes itself say so: a header and two lines behind Envoy's own text name the sidecar, Envoy's flags
 * and details, and the command that shows more. gRPC clients get the text as their status message. Answers of
 * applications are not touched.
 *
 * Outbound listeners are shared by proxies, so the name is not in here: Envoy puts it in.
 */
export function buildLocalReplyConfig(
  maker: "dataplane" | "host",
  direction: FailureDirection,
  service: string,
): MessageInitShape<typeof LocalReplyConfigSchema> {
  const place = direction === "outbound" ? "asked for" : "in front of";
  const { name, mesh } = DATAPLANE;
  const who = maker === "dataplane" ? `the sidecar of ${name} (mesh ${mesh})` : "a sidecar on the host %HOSTNAME%";
  const more = maker === "dataplane" ? `monomesh failures ${name} --mesh ${mesh}` : "monomesh inspect dataplanes";
  const text = `made by ${who}, ${place} ${literal(service)}: ${REASON}`;
  return {
    mappers: [
      {
        filter: statusCodeFilter(ComparisonFilter_Op.GE, 400),
        headersToAdd: [{ header: { key: LOCAL_REPLY_HEADER, value: `${text}; see ${more}` } }],
        bodyFormatOverride: {
          format: {
            case: "textFormatSource",
            value: {
              specifier: {
                case: "inlineString",
                value: `%LOCAL_REPLY_BODY%\n\nThis answer was ${text}.\nSee ${more}\n`,
              },
            },
          },
        },
      },
    ],
  };
}

/** Text that a format string does not interpret. */
function literal(text: string): string {
  return text.replaceAll("%", "%%");
}
