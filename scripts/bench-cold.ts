/**
 * `npm run bench:cold [-- ROUNDS]`: what a cold start of each function costs, on the Node that Lambda has: the size of
 * what is loaded, and the milliseconds that a fresh process takes to import it, beside an empty function in the same run.
 * Targets are for the processor's time, since nothing else is needed to import a file and other load on the machine
 * changes it far less than the time that passes. Each round measures all functions one after the other; what counts is
 * the median. Fails when a target is missed.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Bundle, bundleFunction, bundleHandler, FUNCTIONS, LOADED_LIMIT_KIB } from "./bundle.ts";
import { lambdaNode } from "./lambda-node.ts";
import { median } from "./median.ts";

interface Target {
  kib: number;
  /** The processor's time beyond the empty function's. */
  ms: number;
}

/** For the functions whose callers wait. */
const TARGETS: Record<string, Target> = {
  tick: { kib: LOADED_LIMIT_KIB.tick, ms: 150 },
  api: { kib: LOADED_LIMIT_KIB.api, ms: 170 },
};
const EMPTY = "empty";

const ROUNDS = Number(process.argv[2] ?? 31);

/** One import, in milliseconds. */
interface Import {
  passed: number;
  /** The processor's, of all threads. */
  cpu: number;
}

/** What a fresh process runs: a first import with nothing before it, so that each pays for starting Node's loader. */
const STOPWATCH = `const began = performance.now();
const before = process.cpuUsage();
import(process.argv[2]).then(() => {
  const passed = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ passed, cpu: (user + system) / 1000 }));
});`;

async function main(): Promise<boolean> {
  const node = await lambdaNode();
  const folder = await mkdtemp(join(tmpdir(), "tickwork-cold-"));
  try {
    const bundles = await bundleAll(folder);
    const imports = await measure(node.path, bundles, folder);
    const cpuMs = (name: string) => median((imports.get(name) ?? []).map(({ cpu }) => cpu));
    let met = true;
    console.log("function      KiB  passed ms  CPU ms  beyond empty  target");
    for (const [name, { loadedBytes, bytes }] of bundles) {
      const passedMs = median((imports.get(name) ?? []).map(({ passed }) => passed));
      const beyondMs = cpuMs(name) - cpuMs(EMPTY);
      const target = TARGETS[name];
      const missed = target && (loadedBytes / 1024 > target.kib || beyondMs > target.ms);
      if (missed) met = false;
      const said = target ? `${target.kib} KiB, ${target.ms} ms: ${missed ? "MISSED" : "met"}; ` : "";
      const columns = [
        name.padEnd(9),
        kib(loadedBytes).padStart(7),
        passedMs.toFixed(1).padStart(10),
        cpuMs(name).toFixed(1).padStart(7),
        beyondMs.toFixed(1).padStart(13),
      ];
      console.log(`${columns.join(" ")}  ${said}${kib(bytes)} KiB with what is loaded later`);
    }
    console.log(`\nmedians of ${ROUNDS} processes each, Node ${node.version}. The largest parts, in KiB:`);
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

/** The imports of each function. */
async function measure(
  node: string,
  bundles: ReadonlyMap<string, Bundle>,
  folder: string,
): Promise<Map<string, Import[]>> {
  const stopwatch = join(folder, "stopwatch.cjs");
  await writeFile(stopwatch, STOPWATCH);
  const imports = new Map<string, Import[]>([...bundles.keys()].map((name) => [name, []]));
  // One more round than counted: the first brings the files into memory.
  for (let round = 0; round <= ROUNDS; round++)
    for (const [name, { file }] of bundles) {
      const { stdout } = await promisify(execFile)(node, [stopwatch, file]);
      if (round > 0) imports.get(name)?.push(JSON.parse(stdout) as Import);
    }
  return imports;
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
