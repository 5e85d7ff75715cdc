import { shownValue } from "../../../core/kernel/settings/setting.ts";
import { loadCpSettings } from "../../cp/load-cp-settings.ts";
import type { Session } from "../session.ts";

export interface ConfigShowOptions {
  readonly configFile?: string | undefined;
  readonly origin: boolean;
  readonly all: boolean;
}

/** One line a setting: path, value and, if asked, origin; as `git config --show-origin` does. */
export async function runConfigShow(session: Session, options: ConfigShowOptions): Promise<number> {
  const settings = await loadCpSettings(session.io, options.configFile);
  for (const note of settings.notes) session.talk(`${note}\n`);
  const shown = settings.all.filter((each) => options.all || each.origin !== "default");
  for (const { setting, value, origin } of shown) {
    const text = JSON.stringify(shownValue(setting, value));
    session.out(`${options.origin ? `${origin}\t` : ""}${setting.path}=${text}\n`);
  }
  if (shown.length === 0) session.talk("Every setting has its default. All of them: monomesh config show --all\n");
  return 0;
}
