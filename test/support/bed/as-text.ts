/** Values as Postgres would print them, as far as tests compare them: a row read beside Tickwork is text. */
export function asText(row: unknown): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(row as Record<string, unknown>).map(([name, value]) => [name, textOf(value)]),
  );
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value ? "t" : "f";
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
