/** A value that components follow. */
import { useEffect, useState } from "preact/hooks";

export interface Cell<Value> {
  get(): Value;
  set(value: Value): void;
  /** Calls with each new value, until the function that it returns is called. */
  follow(listener: (value: Value) => void): () => void;
}

export function cell<Value>(value: Value): Cell<Value> {
  let current = value;
  const listeners = new Set<(value: Value) => void>();
  return {
    get: () => current,
    set(next) {
      if (next === current) return;
      current = next;
      for (const listener of listeners) listener(next);
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useCell<Value>(from: Cell<Value>): Value {
  const [value, setValue] = useState(() => from.get());
  useEffect(() => {
    setValue(() => from.get());
    return from.follow((next) => setValue(() => next));
  }, [from]);
  return value;
}
