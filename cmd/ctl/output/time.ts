const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** Local time for a line: `03:04:11` if it is less than a day away, else `26 Nov 03:04`. */
export function timeCell(time: number, now: number): string {
  const date = new Date(time);
  const clock = date.toTimeString();
  if (Math.abs(now - time) < 86_400_000) return clock.slice(0, 8);
  return `${String(date.getDate()).padStart(2)} ${MONTHS[date.getMonth()]} ${clock.slice(0, 5)}`;
}
