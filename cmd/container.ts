import "./reflect-polyfill.ts";
import { container as root } from "tsyringe";
import type { Token } from "../core/kernel/token.ts";

/**
 * The container as wiring files see it: typed tokens, and what exists under them. No factories: half of what a control
 * plane consists of is made asynchronously, in an order that its wiring file shows.
 */
export interface Wiring {
  /** Registers something that exists. */
  value<T>(token: Token<T>, value: T): T;
  get<T>(token: Token<T>): T;
}

export function createWiring(): Wiring {
  const container = root.createChildContainer();
  return {
    value(token, value) {
      container.registerInstance(token as symbol, value);
      return value;
    },
    get: (token) => container.resolve(token as symbol),
  };
}
