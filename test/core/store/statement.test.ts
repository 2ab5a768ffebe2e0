import { describe, expect, test } from "vitest";
import { statement } from "../../../packages/core/store/statement.ts";

describe("a statement with named parameters", () => {
  test("numbers the names in the order in which they first appear", () => {
    const both = statement<{ id: number; token: string }>(
      "select :token::text, :id::bigint where token = :token",
    );
    expect(both({ id: 7, token: "t" })).toEqual({
      text: "select $1::text, $2::bigint where token = $1",
      params: ["t", 7],
    });
  });

  test("leaves casts and colons inside of literals alone", () => {
    const text = `select to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'slot:' || s, '[]'::jsonb, x::text`;
    expect(statement(text)({})).toEqual({ text, params: [] });
  });

  test("travels on one line", () => {
    expect(statement("\n  select 1\n    from t\n")({}).text).toBe("select 1 from t");
  });

  test("null is a value, and an absent one is refused", () => {
    const one = statement<{ progress: number | null }>("select :progress::real");
    expect(one({ progress: null }).params).toEqual([null]);
    // @ts-expect-error the name is missing
    expect(() => one({})).toThrow(":progress of the statement must have a value, got none");
  });

  test("a name that the text does not have is refused", () => {
    const one = statement<{ id: number }>("select :id");
    // @ts-expect-error there is no such name
    expect(() => one({ id: 1, slot: 2 })).toThrow("the statement takes id, got slot too");
  });
});
