/** An Envoy executable. */
export interface EnvoyBinary {
  readonly path: string;
  /** Where it was found: `--binary-path`, `ENVOY_BINARY`, `beside monomesh`, `PATH`. */
  readonly origin: string;
}

/** Port of the plugin kind `envoy-binary`: where Envoy comes from. */
export interface EnvoyBinaryLocator {
  /** Rejects with MM600 that lists where was looked. */
  locate(): Promise<EnvoyBinary>;
}

/** What every plugin of the kind is told. */
export interface EnvoyBinaryOptions {
  /** `--binary-path`; empty if not given. */
  readonly binaryPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}
