/**
 * `npm run bench:cold [-- ROUNDS]`: what a cold start of each function costs, compared with an empty function: the size
 * of what is loaded, and the time that a fresh process takes to import it. Each round measures all functions, so that
 * other load on the machine hits them alike; what counts is the median, as a ratio to the empty function. Fails when a
 * target is missed.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Bundle, bundleFunction, bundleHandler, FUNCTIONS } from "./bundle.ts";
import { median } from "./median.ts";

interface Target {
  kib: number;
  /** Import time, as a multiple of the empty function's. */
  ratio: number;
}

/** For the functions whose callers wait. */
const TARGETS: Record<string, Target> = {
  tick: { kib: 305, ratio: 6 },
  api: { kib: 500, ratio: 10 },
};
const EMPTY = "empty";

const ROUNDS = Number(process.argv[2] ?? 31);

/** What a fresh process runs: a first import with nothing before it, so that each pays for starting Node's loader. */
const STOPWATCH = `const began = performance.now();
import(process.argv[2]).then(() => console.log(performance.now() - began));`;

async function main(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "tickwork-cold-"));
  try {
    const bundles = await bundleAll(folder);
    const times = await measure(bundles, folder);
    const emptyMs = median(times.get(EMPTY) ?? []);
    let met = true;
    console.log("function      KiB  import ms  times  target");
    for (const [name, { loadedBytes, bytes }] of bundles) {
      const ms = median(times.get(name) ?? []);
      const ratio = ms / emptyMs;
      const target = TARGETS[name];
      const missed = target && (loadedBytes / 1024 > target.kib || ratio > target.ratio);
      if (missed) met = false;
      const said = target ? `${target.kib} KiB, ${target.ratio} times: ${missed ? "MISSED" : "met"}; ` : "";
      console.log(
        `${name.padEnd(9)} ${kib(loadedBytes).padStart(7)} ${ms.toFixed(1).padStart(10)} ${ratio.toFixed(1).padStart(6)}  ${said}${kib(bytes)} KiB with what is loaded later`,
      );
    }
    console.log(`\nmedians of ${ROUNDS} processes each, Node ${process.version}. The largest parts, in KiB:`);
    for (const [name, bundle] of bundles) console.log(`${name.padEnd(9)} ${heaviest(bundle)}`);
    return met;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function bundleAll(folder: string): Promise<Map<string, Bundle>> {
  await writeFile(join(folder, `${EMPTY}.ts`), "export async function handler() {}");
  const properties = { minify: true, splitting: true };
  const empty = { handler: `${EMPTY}.handler`, runtime: "nodejs24.x", properties };
  const bundles = new Map([[EMPTY, await bundleHandler(folder, empty, join(folder, EMPTY))]]);
  for (const name of FUNCTIONS) bundles.set(name, await bundleFunction(name, join(folder, name)));
  return bundles;
}

/** The import times of each function, in milliseconds. */
async function measure(bundles: ReadonlyMap<string, Bundle>, folder: string): Promise<Map<string, number[]>> {
  const stopwatch = join(folder, "stopwatch.cjs");
  await writeFile(stopwatch, STOPWATCH);
  const times = new Map<string, number[]>([...bundles.keys()].map((name) => [name, []]));
  // One more round than counted: the first brings the files into memory.
  for (let round = 0; round <= ROUNDS; round++)
    for (const [name, { file }] of bundles) {
      const { stdout } = await promisify(execFile)(process.execPath, [stopwatch, file]);
      if (round > 0) times.get(name)?.push(Number(stdout));
    }
  return times;
}

const kib = (bytes: number): string => (bytes / 1024).toFixed(1);

/** `145 @neondatabase/serverless · 93 …`: what is loaded at first, by package and by room of this repository. */
function heaviest({ loaded }: Bundle, count = 5): string {
  const parts = new Map<string, number>();
  for (const [source, bytes] of Object.entries(loaded)) {
    const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source) ?? [];
    const part = name ?? source.split("/").slice(0, 2).join("/");
    parts.set(part, (parts.get(part) ?? 0) + bytes);
  }
  return [...parts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([part, bytes]) => `${Math.round(bytes / 1024)} ${part}`)
    .join(" · ");
}

process.exitCode = (await main()) ? 0 : 1;
