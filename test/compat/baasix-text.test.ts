import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { baasixText } from "../support/bed/compat.ts";

/** Hashes of the documentation's code blocks, so that no test is fixed by changing them. */
const HASHES: Record<string, string> = {
  "hook-extension.js": "12e38890d2a5c69e",
  "schedule-extension.js": "8c9a1ad01b84a255",
  "snippets/api-force-refresh.txt": "e1b6fe2db9ebfeec",
  "snippets/api-get-cache-stats.txt": "bb3035d01a94c083",
  "snippets/api-get-not-started-tasks.txt": "fd987bf0282e5a70",
  "snippets/api-is-task-running.txt": "d6601a98e6e747b0",
  "snippets/api-set-task-running.txt": "aa0857728a731dba",
  "snippets/debug-health.txt": "72c203e9d531df41",
  "snippets/debug-monitor.txt": "1fa3d2bcfc78e7f6",
  "snippets/practice-1-try-finally.txt": "8fe762ec16154765",
  "snippets/practice-2-check-first.txt": "840d48524b868847",
  "snippets/practice-3-status.txt": "9be883be5406f352",
  "snippets/practice-5-errors.txt": "a2541cf96bccaca9",
  "snippets/trouble-1-not-in-cache.txt": "b165023cd155a936",
  "snippets/trouble-2-stuck.txt": "334cdc6e07d58c2c",
  "snippets/trouble-3-not-refreshing.txt": "c07a29c1fa719522",
};

/** With the places that the documentation imports from. */
const hashOf = (name: string) =>
  createHash("sha256")
    .update(baasixText(name).replace(/^(import .* from ")tickwork\/compat\//gm, "$1../../baasix/"))
    .digest("hex")
    .slice(0, 16);

test("the examples and snippets are those of Baasix's documentation, word for word except for what they import from", () => {
  const snippets = readdirSync(new URL("baasix/snippets", import.meta.url)).map((name) => `snippets/${name}`);
  const names = ["schedule-extension.js", "hook-extension.js", ...snippets];
  expect(Object.fromEntries(names.map((name) => [name, hashOf(name)]))).toEqual(HASHES);
});
