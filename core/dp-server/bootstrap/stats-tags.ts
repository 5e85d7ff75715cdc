/**
 * How Envoy cuts tags out of names of statistics (contract, section 3.4). The first group of an expression leaves the
 * name, the second, if there is one, is the tag's value.
 */
export const STATS_TAGS = [
  { tagName: "name", regex: "^grpc\\.((.+)\\.)" },
  { tagName: "status", regex: "^grpc.*streams_closed(_([0-9]+))" },
  { tagName: "kafka_name", regex: "^kafka(\\.(\\S*[0-9]))\\." },
  { tagName: "kafka_type", regex: "^kafka\\..*\\.(.*)" },
  { tagName: "worker", regex: "(worker_([0-9]+)\\.)" },
  { tagName: "listener", regex: "((.+?)\\.)rbac\\." },
] as const;
