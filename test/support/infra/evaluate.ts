/**
 * Runs an app's program under Pulumi's mocks, without AWS, Pulumi's CLI or a network, and prints the resources:
 * node --import tsx test/support/infra/evaluate.ts FOLDER STAGE PROGRAM
 *
 * Each evaluation needs its own process, because a Pulumi program is full of global state.
 */
import { rmSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { bundleProgram, platformOf } from "./bundle-program.ts";
import { call, newResource, REGION, type ResourceRequest } from "./mocks.ts";
import { type Monitor, plain, type Recording, record } from "./recorder.ts";
import { type Build, serveRpc } from "./rpc.ts";

export interface Evaluation extends Recording {
  app: { name: string; stage: string; removal: string; protect: boolean };
  outputs: Record<string, unknown>;
  builds: Record<string, Build>;
}

/** What the bundled program exports. */
interface ProgramModule {
  pulumi: {
    runtime: {
      setMocks(mocks: unknown, project: string, stack: string, preview: boolean, org: string): Promise<void>;
      runInPulumiStack(program: () => Promise<unknown>): Promise<unknown>;
    };
  };
  MockMonitor: { prototype: Monitor };
  run(program: unknown): Promise<unknown>;
  config: { run: unknown };
}

/** The result of `app()`, which SST calls first, without any of its components. */
async function readApp(config: string, stage: string): Promise<Evaluation["app"]> {
  const source = await readFile(config, "utf8");
  const { code } = await transform(source, { loader: "ts", format: "esm" });
  Object.assign(globalThis, { $config: (config: unknown) => config });
  const { default: program } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    default: { app(input: { stage: string }): Partial<Evaluation["app"]> & { name: string } };
  };
  return { removal: "retain", protect: false, ...program.app({ stage }), stage };
}

async function evaluate(root: string, stage: string, configFile: string): Promise<void> {
  const platform = platformOf(root);
  const work = await mkdtemp(join(tmpdir(), "tickwork-infra-"));
  process.once("exit", () => rmSync(work, { recursive: true, force: true }));
  const rpc = await serveRpc(root, work);
  process.env.SST_SERVER = rpc.url;
  process.env.SST_AWS_REGION = REGION;

  // SST's components read these globals while they load.
  const app = await readApp(configFile, stage);
  const paths = { home: work, root, work, platform };
  Object.assign(globalThis, {
    $app: app,
    $dev: false,
    $cli: { command: "deploy", dev: false, paths, state: { version: {} } },
  });

  const file = join(platform, `sst.config.${process.pid}.mjs`);
  await bundleProgram(root, configFile, file);
  const program = (await import(pathToFileURL(file).href).finally(() => rm(file))) as ProgramModule;
  const { pulumi, MockMonitor, run, config } = program;

  const recording = record(MockMonitor.prototype);
  const mocks = {
    newResource: (request: ResourceRequest) =>
      newResource({ ...request, inputs: plain(request.inputs) as ResourceRequest["inputs"] }),
    call: ({ token, inputs }: { token: string; inputs: unknown }) =>
      call({ token, inputs: plain(inputs) as Record<string, unknown> }),
  };
  await pulumi.runtime.setMocks(mocks, app.name, stage, false, "organization");
  const outputs = await pulumi.runtime.runInPulumiStack(() => run(config.run));

  // As in a deployment, everything is settled when the process has nothing left to wait for.
  process.once("beforeExit", async () => {
    const evaluation = { app, outputs: plain(outputs), builds: rpc.builds, ...recording };
    const out = process.env.EVALUATION_FILE;
    const text = JSON.stringify(evaluation, null, 2);
    if (out) await writeFile(out, text);
    else process.stdout.write(`${text}\n`);
  });
}

const [root, stage, config] = process.argv.slice(2);
if (!root || !stage || !config) throw new Error("usage: evaluate.ts FOLDER STAGE PROGRAM");
await evaluate(resolve(root), stage, resolve(config));
