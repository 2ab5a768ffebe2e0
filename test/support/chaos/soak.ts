/** One production server on servers of its own, a client that posts at a steady rate, and its memory as time goes by. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../../../scripts/median.ts";
import { eventually } from "../eventually.ts";
import type { Binaries } from "./binaries.ts";
import { buildWorker } from "./build-worker.ts";
import { type OwnPostgres, openOwnPostgres } from "./own-postgres.ts";
import { startProcess } from "./own-process.ts";
import { openOwnRedis } from "./own-redis.ts";
import type { MemoryLine } from "./soak-tasks.ts";

const BATCHES_PER_SECOND = 10;
const SAMPLE_MS = 5_000;
const MINUTE_MS = 60_000;
const START_LIMIT_MS = 30_000;
const API_KEY = "soak";

/** A minute of the run, in its middle values. */
export interface SoakMinute {
  minute: number;
  posted: number;
  backlog: number;
  rssMb: number;
  heapMb: number;
  /** The heap after the latest collection by force; absent before the first one. */
  collectedMb: number | undefined;
}

export interface SoakOptions {
  minutes: number;
  /** Tasks a second. */
  rate: number;
  binaries: Binaries;
  /** Told after each minute. */
  onMinute: (minute: SoakMinute) => void;
}

export interface SoakReport {
  minutes: SoakMinute[];
  posted: number;
  done: number;
  /** Requests that were refused or not answered. */
  refused: number;
}

export async function runSoak({ minutes, rate, binaries, onMinute }: SoakOptions): Promise<SoakReport> {
  const folder = mkdtempSync(join(tmpdir(), "tickwork-soak-"));
  const worker = join(folder, "worker.mjs");
  const memory = join(folder, "memory.jsonl");
  await buildWorker(join(import.meta.dirname, "soak-tasks.ts"), worker);
  const postgres = await openOwnPostgres(binaries);
  const redis = await openOwnRedis(binaries);
  const server = startProcess(process.execPath, ["--expose-gc", worker], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      PORT: "0",
      API_KEY,
      SOAK_MEMORY: memory,
      DATABASE_URL: postgres.url,
      CACHE_REDIS_URL: redis.url,
      DATA_DIR: join(folder, "data"),
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    let greeting = "";
    server.child.stdout?.on("data", (chunk: Buffer) => {
      greeting += chunk;
    });
    const url = await eventually(() => /address +(\S+)/.exec(greeting)?.[1], { limitMs: START_LIMIT_MS });
    const client = startPosting(url, rate);
    const report: SoakReport = { minutes: [], posted: 0, done: 0, refused: 0 };
    const began = Date.now();
    for (let minute = 1; minute <= minutes; minute++) {
      const rss: number[] = [];
      while (Date.now() < began + minute * MINUTE_MS) {
        await sleep(Math.min(SAMPLE_MS, began + minute * MINUTE_MS - Date.now()));
        rss.push(residentMb(server.pid));
      }
      const said = memorySaid(memory);
      const seen: SoakMinute = {
        minute,
        posted: client.posted(),
        backlog: await count(postgres, "Not started"),
        rssMb: median(rss),
        heapMb: median(said.slice(-MINUTE_MS / SAMPLE_MS).map(({ heapUsed }) => heapUsed / 2 ** 20)),
        collectedMb: said.findLast((line) => line.heapAfterCollection)?.heapAfterCollection,
      };
      if (seen.collectedMb !== undefined) seen.collectedMb /= 2 ** 20;
      report.minutes.push(seen);
      onMinute(seen);
    }
    await client.stop();
    report.posted = client.posted();
    report.refused = client.refused();
    report.done = await count(postgres, "Completed");
    return report;
  } finally {
    server.child.kill("SIGKILL");
    await server.ended;
    await Promise.all([postgres.close(), redis.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Posts batches by the clock: one that takes long is followed by the next at its time. */
function startPosting(url: string, rate: number) {
  const stopping = new AbortController();
  const open = new Set<Promise<void>>();
  let posted = 0;
  let refused = 0;
  const perBatch = rate / BATCHES_PER_SECOND;
  const post = async (count: number) => {
    const tasks = Array.from({ length: count }, (_, n) => ({ type: "small", task_data: { n } }));
    try {
      const response = await fetch(`${url}/tasks`, {
        method: "POST",
        headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
        body: JSON.stringify(tasks),
      });
      await response.arrayBuffer();
      if (response.status === 201) posted += count;
      else refused++;
    } catch {
      refused++;
    }
  };
  const posting = (async () => {
    const began = Date.now();
    for (let batch = 1; !stopping.signal.aborted; batch++) {
      const request = post(Math.round(batch * perBatch) - Math.round((batch - 1) * perBatch)).finally(() =>
        open.delete(request),
      );
      open.add(request);
      await sleep(Math.max(0, began + (batch * 1000) / BATCHES_PER_SECOND - Date.now()));
    }
  })();
  return {
    posted: () => posted,
    refused: () => refused,
    async stop() {
      stopping.abort();
      await posting;
      await Promise.all(open);
    },
  };
}

/** What the kernel says that a process has in memory. */
function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

function memorySaid(path: string): MemoryLine[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as MemoryLine);
}

async function count(postgres: OwnPostgres, status: string): Promise<number> {
  const [row] = await postgres.sql<{ count: number }>(
    `select count(*)::int as count from "baasix_Tasks" where task_status = $1`,
    [status],
  );
  return row?.count ?? 0;
}
