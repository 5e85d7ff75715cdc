/** One server-sent event (HTML standard, section 9.2). */
export interface ServerEvent {
  /** `event:`; `message` if the stream named none. */
  readonly name: string;
  /** `data:`, parsed as JSON. */
  readonly data: unknown;
  /** `id:`, undefined if this event has none. */
  readonly id: string | undefined;
}

/** Takes the text of a stream in any pieces and hands out its events. Comments and unknown fields are passed over. */
export function createEventReader(onEvent: (event: ServerEvent) => void): (part: string) => void {
  let rest = "";
  return (part) => {
    const blocks = `${rest}${part}`.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = readBlock(block);
      if (event) onEvent(event);
    }
  };
}

function readBlock(block: string): ServerEvent | undefined {
  let name = "message";
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, field, value = ""] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
    if (field === "event") name = value;
    else if (field === "id") id = value;
    else if (field === "data") data.push(value);
  }
  return data.length > 0 ? { name, data: JSON.parse(data.join("\n")) as unknown, id } : undefined;
}
