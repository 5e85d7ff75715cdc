import type { FieldPath } from "../field-path.ts";

/** Where the checks put what they find. */
export type Report = (path: FieldPath, message: string) => void;

export function checkPort(report: Report, path: FieldPath, port: number): void {
  if (port < 1 || port > 65535) report(path, "must be a port, 1 to 65535");
}
