// tsyringe refuses to load without a Reflect that can read metadata. Factories need none of it, so one function will do.
// A module of its own: imports run before anything else in a file.
(Reflect as { getMetadata?: unknown }).getMetadata ??= () => undefined;

export {};
