/**
 * `npm run bench:peers [-- OPTIONS]`: Tickwork beside pg-boss, graphile-worker, BullMQ and the pattern of Baasix's
 * documentation, on the real PostgreSQL and Redis of this machine and on Lambda's version of Node. Other load on the
 * machine changes by the second, so in each round everyone runs once, in turn; medians count. `--help` has the options.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import pg from "pg";
import { execute, ROOT } from "../scripts/execute.ts";
import { lambdaNode, type NodeBinary } from "../scripts/lambda-node.ts";
import { createDatabase, redisServerUrl, serversAnswer } from "../scripts/local-servers.ts";
import { buildProgram } from "./build-program.ts";
import type { Contender } from "./contenders.ts";
import { type Extent, MEASURES, type Measure } from "./measures.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import type { Cell, Results } from "./results.ts";
import { runOnce } from "./run-once.ts";
import { fullTable } from "./table.ts";
import { writeDocuments } from "./write-documents.ts";

const PEERS = join(ROOT, "bench/peers");

interface Run {
  name: string;
  measure: Measure;
  delayMs: number;
}

function runsOf({ measures, delaysMs }: Options): Run[] {
  return measures.flatMap((name) => {
    const measure = MEASURES[name] as Measure;
    return (measure.overDelays ? delaysMs : [0]).map((delayMs) => ({ name, measure, delayMs }));
  });
}

/** What follows from a contender's schedule is not waited for. */
const isStated = ({ stated = {} }: Contender, { name }: Run): boolean =>
  Object.keys(stated).some((column) => column.startsWith(`${name}.`)) ||
  (name === "growth" && stated["drain.perSecond"] !== undefined);

function minutesOf(options: Options, runs: Run[], extent: Extent): number {
  const seconds = runs.flatMap((run) =>
    options.contenders.filter((one) => !isStated(one, run)).map((one) => run.measure.seconds(one, extent)),
  );
  return (options.rounds * seconds.reduce((sum, one) => sum + one, 0)) / 60;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (!options) return console.log(HELP);
  if (!serversAnswer) throw new Error("No PostgreSQL at 127.0.0.1:5432 or no Redis at 127.0.0.1:6379.");
  const extent = { whole: options.whole };
  const runs = runsOf(options);
  console.log(`About ${Math.ceil(minutesOf(options, runs, extent))} minutes.`);
  if (options.contenders.some(({ folder }) => folder === "peers")) installPeers();
  const node = await lambdaNode();
  const programs = await buildPrograms(options.contenders);
  const results: Results = { ...(await describe(node)), cells: [] };
  for (const run of runs) {
    const cells = await measureAll(run, options, extent, node, programs);
    results.cells.push(...cells);
    // A run that is ended early keeps what it has.
    if (options.write) await writeDocuments({ ...results, cells });
  }
  console.log(`\n${fullTable(results)}`);
}

/** Each contender once a round. Who fails is left out from then on, and the bench fails at its end. */
async function measureAll(
  run: Run,
  options: Options,
  extent: Extent,
  node: NodeBinary,
  programs: ReadonlyMap<string, string>,
): Promise<Cell[]> {
  let cells: Cell[] = [];
  let contenders = options.contenders.filter((contender) => !isStated(contender, run));
  for (let round = 1; round <= options.rounds; round++) {
    for (const contender of contenders) {
      const told = `${run.name} +${run.delayMs} ms, round ${round}: ${contender.title}`;
      try {
        const values = await runOnce(run.measure, contender, {
          node: node.path,
          program: programs.get(contender.key) ?? "",
          delayMs: run.delayMs,
          extent,
        });
        console.log(told, JSON.stringify(values));
        for (const [column, value] of Object.entries(values))
          add(cells, contender.key, `${run.name}.${column}`, run.delayMs, value);
      } catch (error) {
        console.error(told, error);
        process.exitCode = 1;
        cells = cells.filter((cell) => cell.contender !== contender.key);
        contenders = contenders.filter((one) => one !== contender);
      }
    }
    // Everyone comes early in one round and late in another.
    contenders = contenders.toReversed();
  }
  return cells;
}

function add(cells: Cell[], contender: string, column: string, delayMs: number, value: number): void {
  const known = cells.find((one) => one.contender === contender && one.column === column);
  if (known) known.values.push(value);
  else cells.push({ contender, column, delayMs, values: [value] });
}

/** Only the bench needs them, so they are not among the packages of the project. */
function installPeers(): void {
  if (existsSync(join(PEERS, "node_modules/.package-lock.json"))) return;
  execute("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], PEERS);
}

async function buildPrograms(contenders: readonly Contender[]): Promise<Map<string, string>> {
  const programs = new Map<string, string>();
  for (const { key, name, folder } of contenders) programs.set(key, await buildProgram(ROOT, folder, name));
  return programs;
}

async function describe(node: NodeBinary): Promise<Omit<Results, "cells">> {
  const database = await createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>("show server_version");
  await client.end();
  await database.drop();
  const redis = new Redis(redisServerUrl);
  const [, redisVersion] = /redis_version:(\S+)/.exec(await redis.info("server")) ?? [];
  redis.disconnect();
  const [{ model = "unknown" } = {}, ...others] = cpus();
  const postgres = rows[0]?.server_version.split(" ")[0];
  const peers = await promisify(execFile)("npm", ["ls", "--json", "--depth=0"], { cwd: PEERS }).catch(
    () => undefined,
  );
  const installed = peers
    ? (JSON.parse(peers.stdout) as { dependencies?: Record<string, { version: string }> }).dependencies
    : {};
  return {
    machine: `${others.length + 1} cores (${model.trim()}), Node ${node.version}, PostgreSQL ${postgres}, Redis ${redisVersion}`,
    versions: Object.fromEntries(
      Object.entries(installed ?? {}).map(([name, { version }]) => [name, version]),
    ),
  };
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
