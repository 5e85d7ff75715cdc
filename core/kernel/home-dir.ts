import { homedir } from "node:os";

/** The user's home: HOME, else what the system says; `/` for a user it does not know, as at a login. */
export function homeDir(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}
