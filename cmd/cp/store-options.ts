import { resolve } from "node:path";
import type { LoadedSettings } from "../../core/kernel/settings/load-settings.ts";
import { SETTINGS } from "./settings-table.ts";

/** The name of the store's plugin and what the settings say to it. */
export function storeOptions(settings: LoadedSettings): { readonly type: string; readonly options: unknown } {
  const type = settings.get(SETTINGS.storeType);
  if (type === "sqlite") {
    const path = settings.get(SETTINGS.sqlitePath);
    return { type, options: path ? { path: resolve(path) } : {} };
  }
  return { type, options: type === "postgres" ? postgresOptions(settings) : {} };
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
