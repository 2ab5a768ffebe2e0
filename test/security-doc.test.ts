/** docs/security.md: each threat has a defence, and a test that exists. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const [, threats = ""] = readFileSync(join(ROOT, "docs/security.md"), "utf8").split("\n## Threats\n");
const attackers = threats.split("\n### ").slice(1);

test("every attacker is there, and each threat has its defence and its test", () => {
  expect(attackers.length).toBeGreaterThanOrEqual(8);
  for (const section of attackers) {
    const [head, rule, ...rows] = section.split("\n").filter((line) => line.startsWith("|"));
    expect([head, rule]).toEqual(["| threat | defence | test |", "|---|---|---|"]);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      const [, threat, defence, kept = "", ...rest] = row.split("|").map((cell) => cell.trim());
      expect([threat, defence, rest.length], row).toEqual([
        expect.stringMatching(/./),
        expect.stringMatching(/./),
        1,
      ]);
      expect(kept, row).toMatch(/^(`test\/[\w/.-]+`|by hand$)/);
    }
  }
});

test("every test that is named exists", () => {
  const named = [...threats.matchAll(/`(test\/[^`]+)`/g)].map(([, file = ""]) => file);
  expect(new Set(named).size).toBeGreaterThan(20);
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});
