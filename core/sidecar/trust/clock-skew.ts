/**
 * How far the control plane's clock is ahead of this machine's, in milliseconds (negative: behind), from the `date`
 * header of an answer. The header knows whole seconds, so less than a second is noise. Undefined without a usable header.
 *
 * @param sentAt when the request was sent, by this machine's clock
 * @param receivedAt when the answer's head came
 */
export function clockSkew(dateHeader: string | undefined, sentAt: number, receivedAt: number): number | undefined {
  const server = Date.parse(dateHeader ?? "");
  if (Number.isNaN(server)) return undefined;
  // On average the header is half a second older than the moment it was made.
  return server + 500 - (sentAt + receivedAt) / 2;
}
