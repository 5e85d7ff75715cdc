/** Remembers which paths exist, so that a wrong method (405) can be told from a wrong path (404). */
export interface KnownPaths {
  /** `:name` in a pattern stands for any one segment. */
  add(pattern: string, method: string): void;
  /** Methods of a path, sorted; empty when there is no such path. */
  methodsOf(path: string): readonly string[];
}

export function createKnownPaths(): KnownPaths {
  const patterns: { readonly segments: readonly string[]; readonly method: string }[] = [];
  return {
    add: (pattern, method) => patterns.push({ segments: segmentsOf(pattern), method }),
    methodsOf(path) {
      const segments = segmentsOf(path);
      const methods = patterns.filter((pattern) => matches(pattern.segments, segments)).map(({ method }) => method);
      return [...new Set(methods)].sort();
    },
  };
}

function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "");
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length && pattern.every((segment, at) => segment.startsWith(":") || segment === path[at])
  );
}
