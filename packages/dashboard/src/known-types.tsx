import { useEffect, useState } from "preact/hooks";
import { session } from "./session.ts";

/** What `<input list="known-types">` proposes. */
export function KnownTypes() {
  const [types, setTypes] = useState<string[]>([]);
  useEffect(() => {
    const ended = new AbortController();
    session
      .get()
      ?.types({ limit: 100, signal: ended.signal })
      .then(
        (page) => setTypes(page.types.map(({ type }) => type)),
        () => undefined,
      );
    return () => ended.abort();
  }, []);
  return (
    <datalist id="known-types">
      {types.map((type) => (
        <option key={type} value={type} />
      ))}
    </datalist>
  );
}
