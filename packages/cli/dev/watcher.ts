import { createHash } from "node:crypto";
import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from "node:fs";
import { basename, dirname, extname, join } from "node:path";

/** An editor writes a file in several steps. */
const DEBOUNCE_MS = 100;
const CODE = new Set([".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".json"]);

export interface Watcher {
  /** The code is loaded now, with all changes that were found: those from now on are others. */
  loads(): void;
  /** Watches these files from now on. Of code that failed, any file beside it may be what was missing. */
  watch(files: readonly string[], options: { failed: boolean }): void;
  /** Resolves when the content of one of them is not what it was when the code was loaded. */
  changed(): Promise<void>;
  close(): void;
}

/** Watches the folders of files, since editors replace files instead of writing to them. */
export function createWatcher(): Watcher {
  /** The files, with what they contained. */
  let watched = new Map<string, string>();
  /** The code in their folders, as it was before whoever was told of the last change loaded it. */
  let beside = new Map<string, string>();
  let failed = false;
  let timer: NodeJS.Timeout | undefined;
  let isChanged = false;
  const tell: (() => void)[] = [];
  let loadedAtMs = Date.now();
  const folders = new Map<string, FSWatcher>();

  const look = () => {
    const changed = [...watched].filter(([file, content]) => contentOf(file) !== content);
    const now = new Map([...folders.keys()].flatMap(codeIn));
    // Events may come late, and tell of what was loaded already.
    if (changed.length === 0 && !(failed && differ(beside, now))) return;
    for (const [file] of changed) watched.set(file, contentOf(file));
    beside = now;
    isChanged = true;
    for (const resolve of tell.splice(0)) resolve();
  };
  const lookSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, DEBOUNCE_MS);
  };
  const concerns = (folder: string, name: string | null) =>
    name === null ||
    (failed && CODE.has(extname(name))) ||
    [...watched.keys()].some((file) => dirname(file) === folder && basename(file) === name);
  const begin = (folder: string) => {
    const watcher = watch(folder, (_, name) => {
      if (concerns(folder, name)) lookSoon();
    });
    // A folder that is removed is not watched any more.
    watcher.on("error", () => {
      watcher.close();
      folders.delete(folder);
    });
    folders.set(folder, watcher);
    for (const [file, state] of codeIn(folder)) beside.set(file, isNewer(file) ? "" : state);
  };
  /** What is watched only now may have been written after it was loaded. */
  const isNewer = (file: string) =>
    Math.floor(statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > loadedAtMs;

  return {
    loads() {
      isChanged = false;
      loadedAtMs = Date.now();
    },
    watch(files, options) {
      // What has changed since it was loaded is still to be found.
      watched = new Map(
        files.map((file) => [file, watched.get(file) ?? (isNewer(file) ? "" : contentOf(file))]),
      );
      failed = options.failed;
      const wanted = new Set(files.map((file) => dirname(file)));
      for (const [folder, watcher] of folders)
        if (!wanted.has(folder)) {
          watcher.close();
          folders.delete(folder);
        }
      for (const folder of wanted) if (!folders.has(folder)) begin(folder);
      // It may have come, or been changed, while the code was loaded.
      lookSoon();
    },
    async changed() {
      if (!isChanged) await new Promise<void>((resolve) => tell.push(resolve));
    },
    close() {
      clearTimeout(timer);
      for (const watcher of folders.values()) watcher.close();
    },
  };
}

/** Its hash; empty when it is not there. */
function contentOf(file: string): string {
  try {
    return createHash("sha1").update(readFileSync(file)).digest("base64");
  } catch {
    return "";
  }
}

/** The files of code in a folder, each with what changes when it is written. */
function codeIn(folder: string): [file: string, state: string][] {
  try {
    return readdirSync(folder)
      .filter((name) => CODE.has(extname(name)))
      .map((name) => {
        const file = join(folder, name);
        const stat = statSync(file, { throwIfNoEntry: false });
        return [file, `${stat?.size} ${stat?.mtimeMs}`];
      });
  } catch {
    return [];
  }
}

const differ = (before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): boolean =>
  [...now].some(([file, state]) => before.get(file) !== state);
