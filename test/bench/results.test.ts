/** What is made of the bench's numbers. It runs without the peers, which only `npm run bench:peers` installs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { chart } from "../../bench/chart.ts";
import { CONTENDERS } from "../../bench/contenders.ts";
import { readOptions } from "../../bench/options.ts";
import { type Cell, medianOf, merge, type Results, ratioOf } from "../../bench/results.ts";
import { fullTable, rounded, shortTable } from "../../bench/table.ts";
import { DOCUMENTS, replaceMarked } from "../../bench/write-documents.ts";
import { ROOT } from "../support/documents.ts";

const cell = (contender: string, column: string, values: number[], delayMs = 0): Cell => ({
  contender,
  column,
  delayMs,
  values,
});
const results: Results = {
  machine: "2 cores, Node v24.0.0, PostgreSQL 15, Redis 7",
  versions: { "graphile-worker": "0.18.0" },
  cells: [
    cell("tickwork:default", "drain.perSecond", [1_000, 3_000, 2_000]),
    cell("graphile-worker:default", "drain.perSecond", [500, 2_000, 2_000]),
    cell("tickwork:default", "drain.perSecond", [80], 5),
    cell("tickwork:default", "later.p50", [4.2]),
    cell("tickwork:default", "later.p99", [19.96]),
    cell("tickwork:default", "idle.postgres", [0]),
    cell("tickwork:default", "idle.redis", [30]),
    cell("bullmq:default", "drain.perSecond", [4_219]),
    cell("mission:default", "create.perSecond", [1]),
  ],
};

describe("the numbers", () => {
  test("are medians, and ratios those of the same round", () => {
    expect(medianOf(results, "tickwork:default", "drain.perSecond")).toBe(2_000);
    expect(ratioOf(results, ["tickwork:default", "graphile-worker:default"], "drain.perSecond")).toBe(1.5);
    expect(ratioOf(results, ["tickwork:default", "pg-boss:default"], "drain.perSecond")).toBeUndefined();
  });

  test("take the place of earlier ones, and leave what was not measured again", () => {
    const later = { ...results, cells: [cell("bullmq:default", "drain.perSecond", [5_000])] };
    const merged = merge(results, later);
    expect(merged.cells).toHaveLength(results.cells.length);
    expect(medianOf(merged, "bullmq:default", "drain.perSecond")).toBe(5_000);
    expect(medianOf(merged, "tickwork:default", "drain.perSecond")).toBe(2_000);
  });

  test.each([
    [27_824.2, "27,800"],
    [0.5001, "0.5"],
    [1 / 300, "0.0033"],
    [19.96, "20"],
    [150_000, "150,000"],
    [0, "0"],
    [undefined, "–"],
    [Number.NaN, "–"],
  ])("%s reads %s", (value, text) => {
    expect(rounded(value)).toBe(text);
  });
});

describe("the tables", () => {
  const rowsOf = (table: string, title: string) =>
    table.split("\n").filter((line) => line.startsWith(`| ${title} |`));

  test("have a row for everyone who was measured, with what is not known as a dash", () => {
    const table = fullTable(results);
    expect(rowsOf(table, "Tickwork, strict")[0]).toContain("| 2,000 / – / 80 |");
    expect(rowsOf(table, "pg-boss")).toEqual([]);
    expect(rowsOf(table, "Tickwork, strict ÷ graphile-worker")[0]).toContain("| 1.50× / – / – |");
    expect(rowsOf(table, "Tickwork, strict")[1]).toContain("| 4.2 / 20 | – | 0 / 30 |");
    expect(table).toContain("**graphile-worker** 0.18.0, 1 at a time: defaults");
    for (const line of table.split("\n").filter((one) => one.startsWith("|")))
      expect(line.split("|").length, line).toBeOneOf([7, 8]);
  });

  test("have what follows from a schedule without measuring it", () => {
    expect(rowsOf(shortTable(results), "Baasix's example")[0]).toContain("| 0.0033 |");
  });
});

test("the chart has a bar for each number, longer for more, and colours for dark pages", () => {
  const drawing = chart(results);
  expect(drawing).toMatch(/^<svg [^>]*viewBox="0 0 \d+ \d+"[\s\S]*<\/svg>\n$/);
  expect(drawing).toContain("prefers-color-scheme: dark");
  expect(drawing).toContain("Baasix's example");
  const widthOf = (value: string) =>
    Number(new RegExp(`width="([\\d.]+)" height="14" rx="2"/><text[^>]*>${value}<`).exec(drawing)?.[1]);
  expect(widthOf("4,220")).toBeGreaterThan(widthOf("2,000"));
  expect(widthOf("2,000")).toBeGreaterThan(widthOf("0.0033"));
  expect(widthOf("0.0033")).toBeGreaterThan(0);
  expect(drawing).not.toMatch(/NaN|undefined|Infinity/);
});

test("documents have the numbers of docs/performance.json", () => {
  const measured = JSON.parse(readFileSync(join(ROOT, "docs/performance.json"), "utf8")) as Results;
  for (const [name, tableOf] of Object.entries(DOCUMENTS)) {
    const document = readFileSync(join(ROOT, name), "utf8");
    expect(replaceMarked(document, tableOf(measured)), `${name}: npm run bench:peers -- --write`).toBe(
      document,
    );
  }
  expect(readFileSync(join(ROOT, "docs/performance.svg"), "utf8")).toBe(chart(measured));
});

test("a document without its markers is not written over", () => {
  expect(() => replaceMarked("# Performance\n", "| |")).toThrow("The markers <!-- bench:peers -->");
});

describe("the options", () => {
  test("pick contenders, measures, delays and rounds", () => {
    const options = readOptions(
      "--contenders tickwork,bullmq:tuned --measures drain --delays 0,2.5 --rounds 2".split(" "),
    );
    expect(options?.contenders.map(({ key }) => key)).toEqual(
      CONTENDERS.map(({ key }) => key).filter((key) => key.startsWith("tickwork") || key === "bullmq:tuned"),
    );
    expect(options).toMatchObject({ measures: ["drain"], delaysMs: [0, 2.5], rounds: 2, write: false });
  });

  test.each([
    ["--contenders", "bull", "--contenders must be of tickwork, "],
    ["--measures", "speed", "--measures must be of drain, "],
    ["--delays", "fast", "--delays must be a number from 0, got fast."],
    ["--rounds", "0", "--rounds must be a number from 1, got 0."],
  ])("refuse %s %s", (option, value, message) => {
    expect(() => readOptions([option, value])).toThrow(message);
  });
});
