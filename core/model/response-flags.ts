/**
 * Envoy's response flags by their field number in `envoy.data.accesslog.v3.ResponseFlags`: the letters of its access logs,
 * and what they mean in a few words.
 */
export const RESPONSE_FLAGS: Readonly<Record<number, readonly [flag: string, words: string]>> = {
  1: ["LH", "the local health check failed"],
  2: ["UH", "no healthy upstream"],
  3: ["UT", "upstream request timeout"],
  4: ["LR", "connection reset on this side"],
  5: ["UR", "upstream reset the stream"],
  6: ["UF", "upstream connection failure"],
  7: ["UC", "upstream closed the connection"],
  8: ["UO", "upstream overflow (circuit breaker)"],
  9: ["NR", "no route"],
  10: ["DI", "delay injected"],
  11: ["FI", "fault injected"],
  12: ["RL", "rate limited"],
  13: ["UAEX", "denied by authorization"],
  14: ["RLSE", "rate limit service failed"],
  15: ["DC", "the client closed the connection"],
  16: ["URX", "retries used up"],
  17: ["SI", "stream idle timeout"],
  18: ["IH", "invalid request headers"],
  19: ["DPE", "the client broke the protocol"],
  20: ["UMSDR", "maximum stream duration reached"],
  21: ["RFCF", "answered from a cache"],
  22: ["NFCF", "a filter has no configuration"],
  23: ["DT", "maximum duration reached"],
  24: ["UPE", "upstream broke the protocol"],
  25: ["NC", "no such cluster"],
  26: ["OM", "overload: the request was shed"],
  27: ["DF", "name not resolved"],
  28: ["DR", "the client reset the stream"],
};

/** What a flag means; undefined for one that is not known here. */
export function flagWords(flag: string): string | undefined {
  return Object.values(RESPONSE_FLAGS).find(([known]) => known === flag)?.[1];
}
