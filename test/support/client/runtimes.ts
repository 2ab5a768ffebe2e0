/** Programs that run JavaScript, each as its users start it. */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { onTestFinished } from "vitest";
import { ROOT } from "../imports.ts";

const BIN = join(ROOT, "node_modules/.bin");

/** What `code` needs in one file, as a front end would have it: nothing of Node's can be in it. */
export async function bundle(folder: string, name: string, code: string): Promise<string> {
  const outfile = join(folder, name);
  await build({
    stdin: { contents: code, resolveDir: join(ROOT, "test/support/client") },
    outfile,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
  });
  return outfile;
}

const run = async (command: string, ...args: string[]) => {
  const { stdout } = await promisify(execFile)(command, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DENO_NO_UPDATE_CHECK: "1" },
  });
  return stdout;
};

export const runtimes: Record<string, (file: string) => Promise<string>> = {
  Node: (file) => run(process.execPath, file),
  Bun: (file) => run(join(BIN, "bun"), file),
  Deno: (file) => run(join(BIN, "deno"), "run", "--allow-net", file),
};

/** Asks a Worker, in Cloudflare's own runtime as it was at a date. */
export async function askWorker(file: string, compatibilityDate: string, query: string): Promise<string> {
  const config = join(dirname(file), `${compatibilityDate}.capnp`);
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed ${JSON.stringify(basename(file))})],
      compatibilityDate = ${JSON.stringify(compatibilityDate)},
      globalOutbound = "network")),
    (name = "network", network = (allow = ["public", "private"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]);
`,
  );
  const { stdout } = start(join(BIN, "workerd"), "serve", config, "--control-fd=1");
  const lines = stdout.setEncoding("utf8")[Symbol.asyncIterator]();
  const { port } = JSON.parse(String((await lines.next()).value)) as { port: number };
  return (await fetch(`http://127.0.0.1:${port}/?${query}`)).text();
}

/** Where Chromium is, if it is installed. */
export const chromium = ["chromium", "chromium-browser", "google-chrome"].find((name) => {
  try {
    execFileSync("which", [name]);
    return true;
  } catch {
    return false;
  }
});

/** Shows a page for the length of the test. */
export function browse(folder: string, url: string): void {
  start(
    chromium ?? "",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    `--user-data-dir=${join(folder, "chromium")}`,
    url,
  );
}

/** A process for the length of the test. */
function start(command: string, ...args: string[]) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return child;
}
