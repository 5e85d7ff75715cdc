import { BinaryReader } from "@bufbuild/protobuf/wire";
import { LOCAL_REPLY_HEADER, type RequestFailure } from "../../model/request-failure.ts";
import { RESPONSE_FLAGS } from "../../model/response-flags.ts";

/** A failure as Envoy tells it; `listener` is the address and port that the client connected to. */
export interface LoggedFailure extends Omit<RequestFailure, "seq" | "direction" | "service"> {
  readonly listener: Place | undefined;
  readonly cluster: string | undefined;
}

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** `envoy.config.core.v3.RequestMethod`. */
const METHODS = ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
/** Nobody reads more of a path or a reason; it is kept 200 times. */
const MAX_TEXT = 300;

/** `log_name` of the first message of a stream: `inbound` or `outbound`. */
export function readLogName(message: Uint8Array): string | undefined {
  let name: string | undefined;
  eachField(new BinaryReader(message), (field, reader) => {
    if (field !== 1) return false;
    eachField(nested(reader), (inner, identifier) => {
      if (inner !== 2) return false;
      name = identifier.string();
      return true;
    });
    return true;
  });
  return name;
}

/**
 * The entries of an `envoy.service.accesslog.v3.StreamAccessLogsMessage`. Read by hand: the generated messages are
 * megabytes that no sidecar has room for, and two dozen fields are wanted. Throws on bytes that are no such message.
 */
export function readFailures(message: Uint8Array): LoggedFailure[] {
  const failures: LoggedFailure[] = [];
  eachField(new BinaryReader(message), (field, reader) => {
    if (field !== 2 && field !== 3) return false;
    eachField(nested(reader), (inner, entries) => {
      if (inner !== 1) return false;
      failures.push(readEntry(nested(entries), field === 2));
      return true;
    });
    return true;
  });
  return failures;
}

/** What is collected of one entry; `HTTPAccessLogEntry` and `TCPAccessLogEntry` have their first field in common. */
interface Entry {
  start: number;
  duration?: number;
  listener?: Place | undefined;
  downstream?: Place | undefined;
  upstream?: Place | undefined;
  cluster?: string;
  flags: string[];
  transportFailure?: string;
  termination?: string;
  method?: string;
  path?: string;
  requestId?: string;
  status: number;
  codeDetails?: string;
  grpcStatus?: string;
  localReply?: string;
}

function readEntry(reader: BinaryReader, http: boolean): LoggedFailure {
  const entry: Entry = { start: 0, flags: [], status: 0 };
  eachField(reader, (field, inner) => {
    if (field === 1) readCommon(nested(inner), entry);
    else if (http && field === 3) readRequest(nested(inner), entry);
    else if (http && field === 4) readResponse(nested(inner), entry);
    else return false;
    return true;
  });
  const { listener, cluster, flags, duration } = entry;
  return {
    listener,
    cluster,
    time: new Date(entry.start).toISOString(),
    ...defined({ upstream: placeText(entry.upstream), downstream: placeText(entry.downstream) }),
    flags,
    ...(duration === undefined ? {} : { durationMs: Math.round(duration) }),
    ...(http ? httpPart(entry) : defined({ details: clipped(entry.transportFailure || entry.termination) })),
  };
}

function httpPart(entry: Entry): Partial<LoggedFailure> & { readonly status: number } {
  const { status, codeDetails, localReply, grpcStatus } = entry;
  const upstreamAnswered = codeDetails === "via_upstream";
  const remote = upstreamAnswered && localReply !== undefined;
  return {
    status,
    ...defined({
      method: entry.method,
      path: clipped(entry.path),
      grpcStatus: grpcStatus !== undefined && /^\d{1,2}$/.test(grpcStatus) ? Number(grpcStatus) : undefined,
      answeredBy:
        status === 0
          ? undefined
          : remote
            ? ("remote-sidecar" as const)
            : upstreamAnswered
              ? ("application" as const)
              : ("sidecar" as const),
      details: clipped(remote ? localReply.replace(/; see .*$/, "") : upstreamAnswered ? undefined : codeDetails),
      requestId: clipped(entry.requestId),
    }),
  };
}

function readCommon(reader: BinaryReader, entry: Entry): void {
  eachField(reader, (field, inner) => {
    switch (field) {
      case 2:
        entry.downstream = readAddress(nested(inner));
        return true;
      case 3:
        entry.listener = readAddress(nested(inner));
        return true;
      case 5:
        entry.start = readMilliseconds(nested(inner));
        return true;
      case 13:
        entry.upstream = readAddress(nested(inner));
        return true;
      case 15:
        entry.cluster = inner.string();
        return true;
      case 16:
        entry.flags = readFlags(nested(inner));
        return true;
      case 18:
        entry.transportFailure = inner.string();
        return true;
      case 23:
        entry.duration = readMilliseconds(nested(inner));
        return true;
      case 25:
        entry.termination = inner.string();
        return true;
      default:
        return false;
    }
  });
}

/** Of the path only what stands before its query string, which may hold secrets. */
function readRequest(reader: BinaryReader, entry: Entry): void {
  eachField(reader, (field, inner) => {
    switch (field) {
      case 1:
        entry.method = METHODS[inner.int32()] || "";
        return true;
      case 5:
        entry.path = inner.string().replace(/[?#].*$/s, "");
        return true;
      case 9:
        entry.requestId = inner.string();
        return true;
      default:
        return false;
    }
  });
}

function readResponse(reader: BinaryReader, entry: Entry): void {
  eachField(reader, (field, inner) => {
    switch (field) {
      case 1:
        eachField(nested(inner), (value, wrapped) => {
          if (value !== 1) return false;
          entry.status = wrapped.uint32();
          return true;
        });
        return true;
      case 4:
      case 5: {
        const [name, value] = readMapEntry(nested(inner));
        if (name === "grpc-status") entry.grpcStatus = value;
        else if (name === LOCAL_REPLY_HEADER) entry.localReply = value;
        return true;
      }
      case 6:
        entry.codeDetails = inner.string();
        return true;
      default:
        return false;
    }
  });
}

/** A flag is a field that is there; one that came after this was written is shown by its number. */
function readFlags(reader: BinaryReader): string[] {
  const flags: string[] = [];
  eachField(reader, (field) => {
    flags.push(RESPONSE_FLAGS[field]?.[0] ?? `flag ${field}`);
    return false;
  });
  return flags;
}

/** `Address.socket_address`: `address` and `port_value`; undefined for a Unix socket. */
function readAddress(reader: BinaryReader): Place | undefined {
  let place: Place | undefined;
  eachField(reader, (field, inner) => {
    if (field !== 1) return false;
    let address = "";
    let port = 0;
    eachField(nested(inner), (part, socket) => {
      if (part === 2) address = socket.string();
      else if (part === 3) port = socket.uint32();
      else return false;
      return true;
    });
    place = { address, port };
    return true;
  });
  return place;
}

/** A Timestamp or a Duration. */
function readMilliseconds(reader: BinaryReader): number {
  let ms = 0;
  eachField(reader, (field, inner) => {
    if (field === 1) ms += Number(inner.int64()) * 1000;
    else if (field === 2) ms += inner.int32() / 1e6;
    else return false;
    return true;
  });
  return ms;
}

function readMapEntry(reader: BinaryReader): [string, string] {
  const entry: [string, string] = ["", ""];
  eachField(reader, (field, inner) => {
    if (field !== 1 && field !== 2) return false;
    entry[field - 1] = inner.string();
    return true;
  });
  return entry;
}

/** Walks the fields of a message; what `read` does not take (false) is skipped. */
function eachField(reader: BinaryReader, read: (field: number, reader: BinaryReader) => boolean): void {
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (!read(field, reader)) reader.skip(wireType, field);
  }
}

function nested(reader: BinaryReader): BinaryReader {
  return new BinaryReader(reader.bytes());
}

function placeText(place: Place | undefined): string | undefined {
  if (!place) return undefined;
  return place.address.includes(":") ? `[${place.address}]:${place.port}` : `${place.address}:${place.port}`;
}

function clipped(text: string | undefined): string | undefined {
  return text === undefined || text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

/** Without what is undefined or empty. */
function defined<T extends object>(fields: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== "")) as {
    [Key in keyof T]?: NonNullable<T[Key]>;
  };
}
