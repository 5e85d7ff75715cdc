import { XDS_TYPES, type XdsType } from "../envoy/encoded-resource.ts";
import type { AdsSession, StreamEvents } from "../xds/stream-events.ts";

type ByType = Readonly<Record<XdsType, number>>;

/** What streams did since the start, and how many there are now; for `/metrics`. */
export interface StreamStats {
  readonly open: number;
  /** Responses by type. With delta one update can take several. */
  readonly sent: ByType;
  readonly acknowledged: ByType;
  readonly refused: ByType;
}

/** Counts what happens on ADS streams. */
export class StreamCounts implements StreamStats {
  open = 0;
  readonly sent = zeros();
  readonly acknowledged = zeros();
  readonly refused = zeros();

  /** The same `openAds`, counted. */
  count(openAds: StreamEvents["openAds"]): StreamEvents["openAds"] {
    return async (stream) => this.#counted(await openAds(stream));
  }

  #counted(session: AdsSession): AdsSession {
    this.open++;
    return {
      subscribe: (onSnapshot) => session.subscribe(onSnapshot),
      onSent: (type) => {
        this.sent[type]++;
        session.onSent(type);
      },
      onAck: (type) => {
        this.acknowledged[type]++;
        session.onAck(type);
      },
      onNack: (type, message) => {
        this.refused[type]++;
        session.onNack(type, message);
      },
      onSynced: (type, revision) => session.onSynced(type, revision),
      onClose: (reason) => {
        this.open--;
        session.onClose(reason);
      },
    };
  }
}

function zeros(): Record<XdsType, number> {
  return Object.fromEntries(XDS_TYPES.map((type) => [type, 0])) as Record<XdsType, number>;
}
