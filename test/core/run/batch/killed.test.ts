/** A worker that runs tasks in batches, killed in the middle: a real process, on a real server. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createDatabase, createTickwork, migrate, readConfig, silent, systemClock } from "#core";
import { openPg } from "#drivers";
import { createDatabase as createScratch, serversAnswer } from "../../../../scripts/local-servers.ts";
import { readJournal } from "../../../support/chaos/handler-journal.ts";
import { startProcess } from "../../../support/chaos/own-process.ts";
import { eventually } from "../../../support/eventually.ts";

const SIZE = 20;
const TASKS = 400;
const KILLS = 3;
const COMMAND = join(import.meta.dirname, "../../../support/run/batch-command.ts");

test.skipIf(!serversAnswer)(
  "a worker that is killed repeats at most one batch, and every task ends",
  { timeout: 120_000 },
  async () => {
    const { url, drop } = await createScratch();
    const postgres = await openPg(url);
    const database = createDatabase(postgres, systemClock);
    const folder = mkdtempSync(join(tmpdir(), "tickwork-batch-"));
    const journals = Array.from({ length: KILLS + 1 }, (_, n) => join(folder, `${n}.jsonl`));
    const start = (journal: string | undefined) =>
      startProcess(process.execPath, ["--import", "tsx", COMMAND], {
        env: { PATH: process.env.PATH, DATABASE_URL: url, JOURNAL: journal, SIZE: String(SIZE) },
        stdio: "ignore",
      });
    try {
      await migrate(database, silent);
      const { tasks } = createTickwork({
        config: readConfig({ CACHE_ENABLED: "false" }, silent),
        log: silent,
        database,
        doorbell: { earlyMs: 0, ring: async () => {}, ringAt: async () => {}, ringAfter: async () => {} },
        definitions: [],
        enqueuesOnly: true,
      });
      await tasks.create(Array.from({ length: TASKS }, () => ({ type: "short" })));
      for (const journal of journals.slice(0, KILLS)) {
        const worker = start(journal);
        await eventually(() => readable(journal) >= 40, { limitMs: 30_000 });
        worker.child.kill("SIGKILL");
        await worker.ended;
      }
      const last = start(journals[KILLS]);
      const open = () =>
        database.query(
          { text: `select from "baasix_Tasks" where task_status in ('Not started', 'Running')` },
          { repeatable: true },
        );
      await eventually(async () => (await open()).length === 0, { limitMs: 60_000 });
      last.child.kill("SIGKILL");
      await last.ended;
      const starts = journals.flatMap((journal) => readJournal(journal)).map(({ task }) => task);
      expect(new Set(starts).size).toBe(TASKS);
      expect(starts.length - TASKS).toBeLessThanOrEqual(KILLS * SIZE);
      const [row] = await database.query<{ completed: number; crashes: number }>({
        text: `select count(*) filter (where task_status = 'Completed')::int as completed, sum(crashes)::int as crashes
          from "baasix_Tasks"`,
      });
      expect(row?.completed).toBe(TASKS);
      expect(row?.crashes).toBeLessThanOrEqual(KILLS * SIZE);
    } finally {
      await postgres.close();
      await drop();
    }
  },
);

/** Lines in a journal that may not be there yet. */
function readable(journal: string): number {
  try {
    return readJournal(journal).length;
  } catch {
    return 0;
  }
}
