import type { MessageInitShape } from "@bufbuild/protobuf";
import { ComparisonFilter_Op } from "#envoy/config/accesslog/v3/accesslog_pb.js";
import type { LocalReplyConfigSchema } from "#envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import {
  type FailureDirection,
  LOCAL_REPLY_HEADER,
  MESH_VARIABLE,
  NAME_VARIABLE,
  UNSENT_HEADER,
} from "../model/request-failure.ts";
import { flagFilter, statusCodeFilter } from "./failure-log.ts";

const DATAPLANE = { name: `%ENVIRONMENT(${NAME_VARIABLE})%`, mesh: `%ENVIRONMENT(${MESH_VARIABLE})%` };
const REASON = "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%";

/** The header is there already when the body is made, so the text need not be in every listener twice. */
const BODY = {
  format: {
    case: "textFormatSource" as const,
    value: {
      specifier: {
        case: "inlineString" as const,
        value: `%LOCAL_REPLY_BODY%\n\nThis answer was %RESP(${LOCAL_REPLY_HEADER})%\n`,
      },
    },
  },
};

/**
 * Answers that Envoy makes itself say so: a header and a line behind Envoy's own text name the sidecar, Envoy's flags
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
  const text = `made by ${who}, ${place} ${literal(service)}: ${REASON}; see ${more}`;
  const explanation = { header: { key: LOCAL_REPLY_HEADER, value: text } };
  const any = {
    filter: statusCodeFilter(ComparisonFilter_Op.GE, 400),
    headersToAdd: [explanation],
    bodyFormatOverride: BODY,
  };
  // The first mapper that fits is the only one.
  const unsent = { filter: NOT_CONNECTED, headersToAdd: [explanation, UNSENT], bodyFormatOverride: BODY };
  return { mappers: direction === "inbound" ? [unsent, any] : [any] };
}

/** The answer of an inbound whose application could not be connected to says that the request never left the sidecar. */
export function buildUnsentMark(): MessageInitShape<typeof LocalReplyConfigSchema> {
  return { mappers: [{ filter: NOT_CONNECTED, headersToAdd: [UNSENT] }] };
}

const NOT_CONNECTED = flagFilter(["UF"]);
const UNSENT = { header: { key: UNSENT_HEADER, value: "true" } };

/** Text that a format string does not interpret. */
function literal(text: string): string {
  return text.replaceAll("%", "%%");
}
