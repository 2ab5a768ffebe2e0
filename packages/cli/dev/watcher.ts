import { createHash } from "node:crypto";
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { basename, dirname, extname } from "node:path";

/** An editor writes a file in several steps. */
const DEBOUNCE_MS = 100;
const CODE = new Set([".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".json"]);

export interface Watcher {
  /** Watches these files from now on. Of code that failed, any file beside it may be what was missing. */
  watch(files: readonly string[], options: { failed: boolean }): void;
  /** Resolves when the content of one of them is not what it was when it was first watched, or last found changed. */
  changed(): Promise<void>;
  close(): void;
}

/** Watches the folders of files, since editors replace files instead of writing to them. */
export function createWatcher(): Watcher {
  /** The files, with what they contained. */
  let watched = new Map<string, string>();
  let failed = false;
  let timer: NodeJS.Timeout | undefined;
  let isChanged = false;
  let tell: (() => void) | undefined;
  const folders = new Map<string, FSWatcher>();

  const look = () => {
    const changed = [...watched].filter(([file, content]) => contentOf(file) !== content);
    if (changed.length === 0 && !failed) return;
    for (const [file] of changed) watched.set(file, contentOf(file));
    isChanged = true;
    tell?.();
  };
  const concerns = (folder: string, name: string | null) =>
    name === null ||
    (failed && CODE.has(extname(name))) ||
    [...watched.keys()].some((file) => dirname(file) === folder && basename(file) === name);
  const begin = (folder: string) => {
    const watcher = watch(folder, (_, name) => {
      if (!concerns(folder, name)) return;
      clearTimeout(timer);
      timer = setTimeout(look, DEBOUNCE_MS);
    });
    // A folder that is removed is not watched any more.
    watcher.on("error", () => {
      watcher.close();
      folders.delete(folder);
    });
    folders.set(folder, watcher);
  };

  return {
    watch(files, options) {
      // What has changed since it was loaded is still to be found.
      watched = new Map(files.map((file) => [file, watched.get(file) ?? contentOf(file)]));
      failed = options.failed;
      const wanted = new Set(files.map((file) => dirname(file)));
      for (const [folder, watcher] of folders)
        if (!wanted.has(folder)) {
          watcher.close();
          folders.delete(folder);
        }
      for (const folder of wanted) if (!folders.has(folder)) begin(folder);
    },
    async changed() {
      if (!isChanged)
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
      isChanged = false;
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
