import type { Clock } from "./clock.ts";
import { MeshError } from "./errors.ts";
import type { Logger } from "./log.ts";
import type { Scope } from "./scope.ts";
import { withinTime } from "./time-limit.ts";

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
  /**
   * Writes a whole and consistent copy of what it keeps to a new file, also while another process uses it; asked for by
   * `cp backup`. Resolves to a sentence about what the file has.
   */
  backup?(context: PluginContext, options: Options, file: string): Promise<string>;
  /**
   * Takes such a file in the place of what it keeps, and puts that aside; refuses while another process uses it. Asked for
   * by `cp restore`. Resolves to a sentence about what was done and how to undo it.
   */
  restore?(context: PluginContext, options: Options, file: string): Promise<string>;
}

/** Gives a plugin literal its types. */
export function definePlugin<Instance, Options>(plugin: Plugin<Instance, Options>): Plugin<Instance, Options> {
  return plugin;
}

/** A plugin that takes longer to be made is given up, milliseconds. */
export const CREATE_LIMIT_MS = 30_000;

/** A plugin in the catalogue. */
export interface CataloguedPlugin {
  readonly plugin: Plugin;
  /** The user's file it was loaded from; undefined if it is built in. */
  readonly file: string | undefined;
}

/** The catalogue of what is built in and loaded. Two plugins of one kind and name are an error, not an override. */
export class PluginHost {
  readonly #plugins = new Map<string, CataloguedPlugin>();

  register(plugins: readonly Plugin<never, never>[] | readonly Plugin[], file?: string): void {
    for (const plugin of plugins as readonly Plugin[]) {
      const id = `${plugin.kind}/${plugin.name}`;
      const other = this.#plugins.get(id);
      if (other) {
        throw new MeshError("MM801", `two plugins are called ${id}`, {
          where: [other.file ?? "built in", file ?? "built in"].join(" and "),
          todo: "Give one of them another name.",
        });
      }
      this.#plugins.set(id, { plugin, file });
    }
  }

  /** In the order of registration. */
  list(kind?: PluginKind): CataloguedPlugin[] {
    return [...this.#plugins.values()].filter(({ plugin }) => kind === undefined || plugin.kind === kind);
  }

  get(kind: PluginKind, name: string): CataloguedPlugin {
    const found = this.#plugins.get(`${kind}/${name}`);
    if (found) return found;
    const known = this.list(kind).map((each) => each.plugin.name);
    throw new MeshError("MM801", `there is no ${kind} plugin "${name}"`, {
      todo: `Known: ${known.join(", ") || "none"}. A file of yours is loaded with --plugin FILE or the setting plugins.`,
    });
  }

  /**
   * Validates the options, then makes an instance. MM801 names the plugin, its file and the options that are wrong, and
   * reports a user's plugin that throws or does not answer within 30 s. `placeOf` says where an option stands (`cp.yaml:7`).
   */
  async create<Instance>(
    kind: PluginKind,
    name: string,
    context: PluginContext,
    options: unknown,
    placeOf: (path: string) => string | undefined = () => undefined,
  ): Promise<Instance> {
    const { plugin, file } = this.get(kind, name);
    if (file) return createGuarded<Instance>(plugin, file, context, options, placeOf);
    return (await plugin.create(context, await checkOptions(plugin, file, options, placeOf))) as Instance;
  }

  /** As `create`, for `migrate`; undefined when the plugin needs none. */
  async migrate(kind: PluginKind, name: string, context: PluginContext, options: unknown): Promise<string | undefined> {
    const { plugin, file } = this.get(kind, name);
    return plugin.migrate?.(context, await checkOptions(plugin, file, options, () => undefined));
  }

  /** As `create`, for `backup` and `restore`; MM100 when the plugin cannot. */
  async copy(
    how: "backup" | "restore",
    { kind, name }: { readonly kind: PluginKind; readonly name: string },
    context: PluginContext,
    options: unknown,
    target: string,
  ): Promise<string> {
    const { plugin, file } = this.get(kind, name);
    if (!plugin[how]) {
      throw new MeshError("MM100", `the ${kind} plugin "${name}" has no ${how} of its own`, {
        todo: "Copy what it keeps by its own means (PostgreSQL: pg_dump).",
      });
    }
    return plugin[how](context, await checkOptions(plugin, file, options, () => undefined), target);
  }
}

async function checkOptions(
  plugin: Plugin,
  file: string | undefined,
  options: unknown,
  placeOf: (path: string) => string | undefined,
): Promise<unknown> {
  const result = await plugin.options["~standard"].validate(options);
  if (!result.issues) return result.value;
  throw new MeshError("MM801", `options of the ${plugin.kind} plugin "${plugin.name}" are not valid`, {
    where: file,
    violations: result.issues.map((issue) => {
      const path = pathText(issue.path);
      return { field: [placeOf(path), path].filter(Boolean).join("  "), message: issue.message };
    }),
  });
}

/** As for a built-in plugin, but prepared for all that a file of somebody else can do. */
async function createGuarded<Instance>(
  plugin: Plugin,
  file: string,
  context: PluginContext,
  options: unknown,
  placeOf: (path: string) => string | undefined,
): Promise<Instance> {
  const failed = (what: string, cause?: unknown) =>
    new MeshError("MM801", `the ${plugin.kind} plugin "${plugin.name}" ${what}`, {
      where: file,
      why: cause === undefined ? undefined : messageOf(cause),
      cause,
    });
  const make = async () => plugin.create(context, await checkOptions(plugin, file, options, placeOf));
  const late = () => failed(`did not start within ${CREATE_LIMIT_MS / 1000} s`);
  let instance: unknown;
  try {
    instance = await withinTime(context.clock, CREATE_LIMIT_MS, make, late);
  } catch (error) {
    throw error instanceof MeshError ? error : failed("could not start", error);
  }
  if (typeof instance !== "object" || instance === null) {
    throw failed(`is broken: its create returned ${instance === null ? "null" : typeof instance}, not an object`);
  }
  return instance as Instance;
}

/** What was thrown, in words; people throw all sorts of things. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  try {
    return String(thrown);
  } catch {
    return "something that is no text";
  }
}

function pathText(path: OptionsIssue["path"]): string {
  return (path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
}
