import { XDS_TYPES, type XdsType } from "../envoy/encoded-resource.ts";

type ByType = Readonly<Record<XdsType, number>>;

/** What streams did since the start, and how many there are now; for `/metrics`. */
export interface StreamStats {
  readonly open: number;
  /** Responses by type. With delta one update can take several. */
  readonly sent: ByType;
  readonly acknowledged: ByType;
  readonly refused: ByType;
}

/** Counted by the sessions themselves. */
export class StreamCounts implements StreamStats {
  open = 0;
  readonly sent = zeros();
  readonly acknowledged = zeros();
  readonly refused = zeros();
}

function zeros(): Record<XdsType, number> {
  return Object.fromEntries(XDS_TYPES.map((type) => [type, 0])) as Record<XdsType, number>;
}
