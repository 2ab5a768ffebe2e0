/**
 * `npm run bench:cold [-- ROUNDS]`: what a cold start of each function costs, on the Node that Lambda has: the size of
 * what is loaded, and the milliseconds that a fresh process takes to import it, beside an empty function in the same
 * run; then what each of its parts costs alone. Each round measures everything once, in turn; medians count. Fails when
 * a target is missed: targets are for the time that passes, as a caller waits for it, so nothing else should run
 * meanwhile.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Bundle, bundleFunction, bundleHandler, FUNCTIONS, LOADED_LIMIT_KIB, ROOT } from "./bundle.ts";
import { lambdaNode } from "./lambda-node.ts";
import { median } from "./median.ts";

interface Target {
  kib: number;
  /** The time that passes, beyond the empty function's. */
  ms: number;
}

/** For the functions whose callers wait. */
const TARGETS: Record<string, Target> = {
  tick: { kib: LOADED_LIMIT_KIB.tick, ms: 70 },
  api: { kib: LOADED_LIMIT_KIB.api, ms: 80 },
};
const EMPTY = "empty";
/** What they load of Node itself. */
const BUILTINS = "Node's own modules";
/** Smaller packages cost nothing that could be measured. */
const PART_KIB = 10;

const ROUNDS = Number(process.argv[2] ?? 31);

/** One import, in milliseconds. */
interface Import {
  passed: number;
  /** The processor's, of all threads. */
  cpu: number;
}
/** By what was bundled. */
type Imports = ReadonlyMap<string, Import[]>;
type Bundles = Map<string, Bundle>;

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
    const functions = await bundleFunctions(folder);
    const parts = await bundleParts(functions, folder);
    const imports = await measure(node.path, new Map([...functions, ...parts]), folder);
    const met = tellFunctions(functions, imports);
    tellParts(functions, parts, imports);
    console.log(`\nmedians of ${ROUNDS} processes each, Node ${node.version}`);
    return met;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function bundleFunctions(folder: string): Promise<Bundles> {
  const bundles: Bundles = new Map();
  bundles.set(EMPTY, await bundleSource(folder, EMPTY, "export async function handler() {}"));
  for (const name of FUNCTIONS) bundles.set(name, await bundleFunction(name, join(folder, name)));
  return bundles;
}

/** Each part of what the functions load at first, alone: all that it exports, with what it loads itself. */
async function bundleParts(functions: Bundles, folder: string): Promise<Bundles> {
  const loaded = [...functions.values()];
  const packages = new Set(
    loaded.flatMap((bundle) => [...sizes(bundle)].filter(isPart).map(([name]) => name)),
  );
  const builtins = new Set(loaded.flatMap(({ loadedExternals }) => loadedExternals));
  const importAll = (path: string) => `export * from ${JSON.stringify(path)};`;
  const sources = [...packages].map((name) => [name, importAll(name)] as const);
  const bundles: Bundles = new Map();
  for (const [name, source] of [
    ...sources,
    ["packages/core", importAll(join(ROOT, "packages/core/index.ts"))] as const,
    [BUILTINS, [...builtins].map(importAll).join("\n")] as const,
  ])
    bundles.set(name, await bundleSource(folder, name.replaceAll(/\W/g, "-"), source));
  return bundles;
}

const isPart = ([name, bytes]: [string, number]): boolean =>
  !name.startsWith("packages/") && bytes > PART_KIB * 1024;

/** Bundled as the functions are. */
async function bundleSource(folder: string, name: string, source: string): Promise<Bundle> {
  await writeFile(join(folder, `${name}.ts`), source);
  const esbuild = { external: ["@aws-sdk/*"], keepNames: false, nodePaths: [join(ROOT, "node_modules")] };
  const properties = { minify: true, splitting: true, esbuild };
  return bundleHandler(
    folder,
    { handler: `${name}.handler`, runtime: "nodejs24.x", properties },
    join(folder, name),
  );
}

/** The imports of each bundle. */
async function measure(node: string, bundles: Bundles, folder: string): Promise<Imports> {
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

const medianOf = (imports: Imports, name: string, time: keyof Import): number =>
  median((imports.get(name) ?? []).map((one) => one[time]));

/** The time beyond the empty function's. */
const beyondMs = (imports: Imports, name: string, time: keyof Import = "passed"): number =>
  medianOf(imports, name, time) - medianOf(imports, EMPTY, time);

/** Whether all targets are met. */
function tellFunctions(functions: Bundles, imports: Imports): boolean {
  let met = true;
  console.log("function      KiB  passed ms  beyond empty  CPU beyond  target");
  for (const [name, { loadedBytes, bytes }] of functions) {
    const target = TARGETS[name];
    const missed = target && (loadedBytes / 1024 > target.kib || beyondMs(imports, name) > target.ms);
    if (missed) met = false;
    const said = target ? `${target.kib} KiB, ${target.ms} ms: ${missed ? "MISSED" : "met"}; ` : "";
    const columns = [
      name.padEnd(9),
      kib(loadedBytes).padStart(7),
      medianOf(imports, name, "passed").toFixed(1).padStart(10),
      beyondMs(imports, name).toFixed(1).padStart(13),
      beyondMs(imports, name, "cpu").toFixed(1).padStart(11),
    ];
    console.log(`${columns.join(" ")}  ${said}${kib(bytes)} KiB with what is loaded later`);
  }
  return met;
}

/** What each part costs alone. They share what they load of Node, so together they cost less than the sum. */
function tellParts(functions: Bundles, parts: Bundles, imports: Imports): void {
  console.log("\npart                      ms alone  KiB in tick, api");
  for (const name of parts.keys()) {
    const inside = ["tick", "api"].map((one) => {
      const bundle = functions.get(one);
      return kib((bundle && sizes(bundle).get(name)) ?? 0);
    });
    console.log(`${name.padEnd(24)} ${beyondMs(imports, name).toFixed(1).padStart(9)}  ${inside.join(", ")}`);
  }
}

const kib = (bytes: number): string => (bytes / 1024).toFixed(1);

/** The bytes that are loaded at first, by package and by room of this repository. */
function sizes({ loaded }: Bundle): Map<string, number> {
  const parts = new Map<string, number>();
  for (const [source, bytes] of Object.entries(loaded)) {
    const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source) ?? [];
    const part = name ?? source.split("/").slice(0, 2).join("/");
    parts.set(part, (parts.get(part) ?? 0) + bytes);
  }
  return parts;
}

process.exitCode = (await main()) ? 0 : 1;
