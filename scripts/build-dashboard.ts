/**
 * `npm run dashboard:build`: makes `packages/dashboard/built.ts` of the dashboard's sources. It is committed, so that nobody
 * who starts, deploys or installs Tickwork has anything to build; a test compares it with the sources.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { build, type Rolldown } from "vite";
import type { BuiltFile } from "../packages/dashboard/index.ts";
import config from "../packages/dashboard/vite.config.ts";
import { ROOT } from "./bundle.ts";

export const BUILT = join(ROOT, "packages/dashboard/built.ts");

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Pages are served without the ending of their files. */
const PAGES: Readonly<Record<string, string>> = { "index.html": "/", "docs.html": "/docs" };

/** The files by the path that they are served at. */
export async function buildDashboard(): Promise<Record<string, Buffer>> {
  // Vite builds for what this says, and in a test it says `test`.
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = "production";
  const { output } = (await build({
    ...config,
    configFile: false,
    logLevel: "warn",
    build: { ...config.build, write: false },
  }).finally(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  })) as Rolldown.RolldownOutput;
  const preact = readFileSync(join(ROOT, "node_modules/preact/LICENSE"), "utf8").replaceAll(/\s+/g, " ");
  return Object.fromEntries(
    output.map((file) => [
      PAGES[file.fileName] ?? `/${file.fileName}`,
      Buffer.from(file.type === "chunk" ? `/* preact: ${preact} */\n${file.code}` : file.source),
    ]),
  );
}

export function builtModule(files: Readonly<Record<string, Buffer>>): string {
  const lines = Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, content]) => {
      const extension = path.includes(".") ? (path.split(".").at(-1) ?? "") : "html";
      const file: BuiltFile = {
        type: TYPES[extension] ?? "application/octet-stream",
        etag: `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`,
        brotli: brotliCompressSync(content, {
          params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
        }).toString("base64"),
      };
      return `  ${JSON.stringify(path)}: ${JSON.stringify(file)},\n`;
    });
  return `// Made by \`npm run dashboard:build\`; do not edit.\nexport const FILES = {\n${lines.join("")}};\n`;
}

if (process.argv[1] === import.meta.filename) {
  const files = await buildDashboard();
  const module = builtModule(files);
  writeFileSync(BUILT, module);
  for (const [path, content] of Object.entries(files)) console.log(path, `${content.length} bytes`);
  console.log(`${BUILT}: ${module.length} bytes`);
}
