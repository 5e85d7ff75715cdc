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
  const identifier: { name?: string } = {};
  read(new BinaryReader(message), identifier, {
    1: (reader) =>
      read(nested(reader), identifier, {
        2: (name, into) => {
          into.name = name.string();
        },
      }),
  });
  return identifier.name;
}

/**
 * The entries of an `envoy.service.accesslog.v3.StreamAccessLogsMessage`. Read by hand: the generated messages are
 * megabytes that no sidecar has room for, and two dozen fields are wanted. Throws on bytes that are no such message.
 */
export function readFailures(message: Uint8Array): LoggedFailure[] {
  const failures: LoggedFailure[] = [];
  const entries = (http: boolean) => (reader: BinaryReader) =>
    read(nested(reader), failures, { 1: (entry, into) => void into.push(readEntry(nested(entry), http)) });
  read(new BinaryReader(message), failures, { 2: entries(true), 3: entries(false) });
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

/** Takes one field of a message into what is collected; fields without such a function are skipped. */
type Fields<Into> = Readonly<Record<number, (reader: BinaryReader, into: Into) => void>>;

/** `AccessLogCommon` */
const COMMON: Fields<Entry> = {
  2: (reader, entry) => {
    entry.downstream = readAddress(nested(reader));
  },
  3: (reader, entry) => {
    entry.listener = readAddress(nested(reader));
  },
  5: (reader, entry) => {
    entry.start = readMilliseconds(nested(reader));
  },
  13: (reader, entry) => {
    entry.upstream = readAddress(nested(reader));
  },
  15: (reader, entry) => {
    entry.cluster = reader.string();
  },
  16: (reader, entry) => {
    entry.flags = readFlags(nested(reader));
  },
  18: (reader, entry) => {
    entry.transportFailure = reader.string();
  },
  23: (reader, entry) => {
    entry.duration = readMilliseconds(nested(reader));
  },
  25: (reader, entry) => {
    entry.termination = reader.string();
  },
};

/** `HTTPRequestProperties`; of the path only what stands before its query string, which may hold secrets. */
const REQUEST: Fields<Entry> = {
  1: (reader, entry) => {
    entry.method = METHODS[reader.int32()] || "";
  },
  5: (reader, entry) => {
    entry.path = reader.string().replace(/[?#].*$/s, "");
  },
  9: (reader, entry) => {
    entry.requestId = reader.string();
  },
};

/** An entry of `response_headers` or `response_trailers`; only those that a listener names are there. */
function readHeader(reader: BinaryReader, entry: Entry): void {
  const header = { name: "", value: "" };
  read(nested(reader), header, {
    1: (text, into) => {
      into.name = text.string();
    },
    2: (text, into) => {
      into.value = text.string();
    },
  });
  if (header.name === "grpc-status") entry.grpcStatus = header.value;
  else if (header.name === LOCAL_REPLY_HEADER) entry.localReply = header.value;
}

/** `HTTPResponseProperties` */
const RESPONSE: Fields<Entry> = {
  1: (reader, entry) =>
    read(nested(reader), entry, {
      1: (code, into) => {
        into.status = code.uint32();
      },
    }),
  4: readHeader,
  5: readHeader,
  6: (reader, entry) => {
    entry.codeDetails = reader.string();
  },
};

function readEntry(reader: BinaryReader, http: boolean): LoggedFailure {
  const entry: Entry = { start: 0, flags: [], status: 0 };
  const common: Fields<Entry> = { 1: (inner) => read(nested(inner), entry, COMMON) };
  const ofHttp: Fields<Entry> = {
    3: (inner) => read(nested(inner), entry, REQUEST),
    4: (inner) => read(nested(inner), entry, RESPONSE),
  };
  read(reader, entry, http ? { ...common, ...ofHttp } : common);
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

/** A flag is a field that is there; one that came after this was written is shown by its number. */
function readFlags(reader: BinaryReader): string[] {
  const flags: string[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    flags.push(RESPONSE_FLAGS[field]?.[0] ?? `flag ${field}`);
    reader.skip(wireType, field);
  }
  return flags;
}

/** `Address.socket_address`; undefined for a Unix socket. */
function readAddress(reader: BinaryReader): Place | undefined {
  const place = { address: "", port: 0 };
  read(reader, place, {
    1: (socket) =>
      read(nested(socket), place, {
        2: (text, into) => {
          into.address = text.string();
        },
        3: (number, into) => {
          into.port = number.uint32();
        },
      }),
  });
  return place.address === "" ? undefined : place;
}

/** A Timestamp or a Duration. */
function readMilliseconds(reader: BinaryReader): number {
  const sum = { ms: 0 };
  read(reader, sum, {
    1: (seconds, into) => {
      into.ms += Number(seconds.int64()) * 1000;
    },
    2: (nanos, into) => {
      into.ms += nanos.int32() / 1e6;
    },
  });
  return sum.ms;
}

/** Walks the fields of a message. */
function read<Into>(reader: BinaryReader, into: Into, fields: Fields<Into>): void {
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const take = fields[field];
    if (take) take(reader, into);
    else reader.skip(wireType, field);
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
