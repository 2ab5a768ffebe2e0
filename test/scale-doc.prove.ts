import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scaleTables } from "../scripts/simulate-scale.ts";

test("the million tasks an hour of docs/scale.md are those that the simulation plays", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/scale.md"), "utf8");
  expect(page).toContain(scaleTables());
}, 60_000);
