/** The code in the documents: what a document says of a program, as the files of that program. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

export interface Block {
  /** `ts`, `sh`, … */
  language: string;
  code: string;
  /** A comment in its first line says which file it is; others are named by their place. */
  file: string;
}

/** The blocks of code in a document, without the indentation that a list gives them. */
export function blocksOf(document: string): Block[] {
  const text = readFileSync(join(ROOT, document), "utf8");
  return [...text.matchAll(/^( *)```(\w+)\n([\s\S]*?)^\1```$/gm)].map(
    ([, indent = "", language = "", body = ""], n) => {
      const code = body.replaceAll(new RegExp(`^${indent}`, "gm"), "");
      const [, file = `block-${n + 1}.${language}`] =
        /^\/\/ ([\w./[\]-]+\.\w+)(?:, in run\(\))?\n/.exec(code) ?? [];
      return { language, code, file };
    },
  );
}

/** What needs SST: `test/infra/deploy-doc.infra.ts` compiles it. */
export const SST_CONFIG = "sst.config.ts";

/** Makes a folder of this repository for programs of documents. */
export function programFolder(): string {
  const parent = join(ROOT, ".tmp");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "documents-"));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  return folder;
}

/** Each document is a program of its own: its blocks in TypeScript, in a folder of this repository. */
export function writeProgram(document: string, folder = programFolder()): string {
  const files = new Set<string>();
  for (const { language, code, file } of blocksOf(document)) {
    if ((language !== "ts" && language !== "tsx") || file === SST_CONFIG) continue;
    if (files.has(file)) throw new Error(`${document} has the file ${file} twice`);
    files.add(file);
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    // Each is a module, so that names do not meet.
    writeFileSync(join(folder, file), /^(import|export) /m.test(code) ? code : `${code}\nexport {};\n`);
  }
  return folder;
}

/** As users have it, but stricter. */
const TSCONFIG = {
  extends: "../../tsconfig.json",
  compilerOptions: {
    noUnusedLocals: false,
    noUnusedParameters: false,
    lib: ["ES2023", "ES2024.String", "ESNext.Disposable"],
  },
  include: ["."],
};
