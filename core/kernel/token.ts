/**
 * A typed key of the dependency-injection container. It stands beside the port it names; only wiring files in `cmd/`
 * meet the container itself.
 */
export type Token<T> = symbol & { readonly __type?: T };

export function token<T>(name: string): Token<T> {
  return Symbol(name) as Token<T>;
}
