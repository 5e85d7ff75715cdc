import { resolve } from "node:path";
import type { LoadedSettings } from "../../core/kernel/settings/load-settings.ts";
import { pluginOptions } from "./plugin-options.ts";
import { SETTINGS } from "./settings-table.ts";

export interface StoreOptions {
  /** The name of the store's plugin. */
  readonly type: string;
  /** What the settings say to it. */
  readonly options: unknown;
  /** Where an option stands; for users' plugins. */
  readonly placeOf?: ((path: string) => string | undefined) | undefined;
}

export function storeOptions(settings: LoadedSettings): StoreOptions {
  const type = settings.get(SETTINGS.storeType);
  if (type === "sqlite") {
    const path = settings.get(SETTINGS.sqlitePath);
    return { type, options: path ? { path: resolve(path) } : {} };
  }
  if (type === "postgres") return { type, options: postgresOptions(settings) };
  const { value, placeOf } = pluginOptions(settings, "store", type);
  return { type, options: value, placeOf };
}

function postgresOptions(settings: LoadedSettings) {
  return {
    host: settings.get(SETTINGS.postgresHost),
    port: settings.get(SETTINGS.postgresPort),
    user: settings.get(SETTINGS.postgresUser),
    password: settings.get(SETTINGS.postgresPassword),
    dbName: settings.get(SETTINGS.postgresDbName),
    tls: {
      mode: settings.get(SETTINGS.postgresTlsMode),
      certPath: settings.get(SETTINGS.postgresTlsCertPath),
      keyPath: settings.get(SETTINGS.postgresTlsKeyPath),
      caPath: settings.get(SETTINGS.postgresTlsCaPath),
    },
    connectionTimeout: settings.get(SETTINGS.postgresConnectionTimeout) * 1000,
    maxOpenConnections: settings.get(SETTINGS.postgresMaxOpenConnections),
    minOpenConnections: settings.get(SETTINGS.postgresMinOpenConnections),
    maxConnectionIdleTime: settings.get(SETTINGS.postgresMaxConnectionIdleTime),
    maxConnectionLifetime: settings.get(SETTINGS.postgresMaxConnectionLifetime),
    tolerateNewerDBVersions: settings.get(SETTINGS.postgresTolerateNewer),
  };
}
