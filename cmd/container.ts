import "./reflect-polyfill.ts";
import { type DependencyContainer, instanceCachingFactory, container as root } from "tsyringe";
import type { Token } from "../core/kernel/token.ts";

/** The container as wiring files see it: typed tokens, factories, nothing else. */
export interface Wiring {
  /** Registers something that exists. */
  value<T>(token: Token<T>, value: T): T;
  /** Registers how it is made; made once, when it is first asked for. */
  factory<T>(token: Token<T>, make: (wiring: Wiring) => T): void;
  get<T>(token: Token<T>): T;
}

export function createWiring(): Wiring {
  return wiringOver(root.createChildContainer());
}

function wiringOver(container: DependencyContainer): Wiring {
  const wiring: Wiring = {
    value(token, value) {
      container.registerInstance(token as symbol, value);
      return value;
    },
    factory(token, make) {
      container.register(token as symbol, { useFactory: instanceCachingFactory(() => make(wiring)) });
    },
    get: (token) => container.resolve(token as symbol),
  };
  return wiring;
}
