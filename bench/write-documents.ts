/** Puts the numbers where they are read. What was not measured again stays as it is. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../scripts/execute.ts";
import { chart } from "./chart.ts";
import { merge, NOTHING, type Results } from "./results.ts";
import { fullTable, shortTable } from "./table.ts";

const NUMBERS = join(ROOT, "docs/performance.json");
const CHART = join(ROOT, "docs/performance.svg");
/** What stands between the markers of each document. */
export const DOCUMENTS = { "docs/performance.md": fullTable, "README.md": shortTable };

/** @throws Error when a document has lost its markers */
export async function writeDocuments(later: Results): Promise<void> {
  const earlier = await readFile(NUMBERS, "utf8").then(
    (text) => JSON.parse(text) as Results,
    () => NOTHING,
  );
  const results = merge(earlier, later);
  await writeFile(NUMBERS, `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(CHART, chart(results));
  for (const [name, tableOf] of Object.entries(DOCUMENTS)) {
    const file = join(ROOT, name);
    await writeFile(file, replaceMarked(await readFile(file, "utf8"), tableOf(results)));
  }
}

/**
 * Replaces what stands between the markers.
 *
 * @throws Error when there are none
 */
export function replaceMarked(document: string, text: string): string {
  const marked = /(<!-- bench:peers -->\n)[\s\S]*?(\n<!-- \/bench:peers -->)/;
  if (!marked.test(document))
    throw new Error("The markers <!-- bench:peers --> and <!-- /bench:peers --> are missing.");
  return document.replace(marked, (_, head: string, foot: string) => `${head}\n${text}\n${foot}`);
}
