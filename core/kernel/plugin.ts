import type { Clock } from "./clock.ts";
import { MeshError } from "./errors.ts";
import type { Logger } from "./log.ts";
import type { Scope } from "./scope.ts";

/** What can be extended. Each kind's port and contract suite live with its core room. */
export type PluginKind = "store" | "lifecycle" | "auth" | "ca" | "policy" | "envoy-binary";

/** The schema of a plugin's options: anything that follows Standard Schema v1 (zod does). */
export interface OptionsSchema<Options> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): OptionsResult<Options> | Promise<OptionsResult<Options>>;
    readonly types?: { readonly input: unknown; readonly output: Options } | undefined;
  };
}
type OptionsIssue = {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
};
type OptionsResult<Options> =
  | { readonly value: Options; readonly issues?: undefined }
  | { readonly issues: readonly OptionsIssue[] };

/** What the host gives every plugin. */
export interface PluginContext {
  /** Lives as long as the plugin's instance; register clean-up here. */
  readonly scope: Scope;
  readonly log: Logger;
  readonly clock: Clock;
  /** Directory the role may write to (`general.workDir`). */
  readonly workDir: string;
}

/** A plugin is one plain object: what it is, what it can be told, and how an instance is made. */
export interface Plugin<Instance = unknown, Options = unknown> {
  readonly kind: PluginKind;
  /** Unique in its kind; users choose it by this name, e.g. `store.type: sqlite`. */
  readonly name: string;
  /** One sentence for `monomesh plugin list`. */
  readonly description: string;
  readonly options: OptionsSchema<Options>;
  create(context: PluginContext, options: Options): Instance | Promise<Instance>;
  /**
   * Brings what it keeps to the layout that this version needs, for plugins whose `create` refuses an older one; asked for
   * by `cp migrate up`. Resolves to a sentence about what there was to do.
   */
  migrate?(context: PluginContext, options: Options): Promise<string>;
}

/** Gives a plugin literal its types. */
export function definePlugin<Instance, Options>(plugin: Plugin<Instance, Options>): Plugin<Instance, Options> {
  return plugin;
}

/** The catalogue of what is built in and loaded. Two plugins of one kind and name are an error, not an override. */
export class PluginHost {
  readonly #plugins = new Map<string, Plugin>();

  register(plugins: readonly Plugin<never, never>[] | readonly Plugin[]): void {
    for (const plugin of plugins as readonly Plugin[]) {
      const id = `${plugin.kind}/${plugin.name}`;
      if (this.#plugins.has(id)) throw new MeshError("MM801", `two plugins are called ${id}`);
      this.#plugins.set(id, plugin);
    }
  }

  list(kind?: PluginKind): Plugin[] {
    return [...this.#plugins.values()].filter((plugin) => kind === undefined || plugin.kind === kind);
  }

  get(kind: PluginKind, name: string): Plugin {
    const plugin = this.#plugins.get(`${kind}/${name}`);
    if (plugin) return plugin;
    const known = this.list(kind).map((each) => each.name);
    throw new MeshError("MM801", `there is no ${kind} plugin "${name}"`, {
      todo: `Known: ${known.join(", ") || "none"}.`,
    });
  }

  /** Validates the options, then makes an instance. Errors name the plugin and the option. */
  async create<Instance>(kind: PluginKind, name: string, context: PluginContext, options: unknown): Promise<Instance> {
    const plugin = this.get(kind, name);
    return (await plugin.create(context, await validated(plugin, options))) as Instance;
  }

  /** As `create`, for `migrate`; undefined when the plugin needs none. */
  async migrate(kind: PluginKind, name: string, context: PluginContext, options: unknown): Promise<string | undefined> {
    const plugin = this.get(kind, name);
    return plugin.migrate?.(context, await validated(plugin, options));
  }
}

async function validated(plugin: Plugin, options: unknown): Promise<unknown> {
  const result = await plugin.options["~standard"].validate(options);
  if (!result.issues) return result.value;
  throw new MeshError("MM801", `options of the ${plugin.kind} plugin "${plugin.name}" are not valid`, {
    violations: result.issues.map((issue) => ({ field: pathText(issue.path), message: issue.message })),
  });
}

function pathText(path: OptionsIssue["path"]): string {
  return (path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
}
