/** What counts as a change of code. */
import { chmodSync, mkdtempSync, renameSync, rmSync, utimesSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createWatcher, type Watcher } from "../../packages/cli/dev/watcher.ts";

/** By then, whoever was told of a change on the disk at the same time has looked. */
const LOOKED_MS = 300;

let folder: string;
let elsewhere: string;
let watcher: Watcher;
const file = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tickwork-watcher-"));
  elsewhere = mkdtempSync(join(tmpdir(), "tickwork-elsewhere-"));
  writeFileSync(file("tasks.ts"), 'import "./missing.ts";\n');
  watcher = createWatcher();
});
afterEach(() => {
  watcher.close();
  for (const one of [folder, elsewhere]) rmSync(one, { recursive: true });
});

/** Writes a file as if it had been at that time. */
function write(path: string, text: string, at: Date): void {
  writeFileSync(path, text);
  utimesSync(path, at, at);
}
/** A time that is later than the beginning of any loading, on a clock of any precision. */
const whileLoading = () => new Date(Date.now() + 60_000);

/** Does something to a file, and waits until the system has told of it. */
async function told(act: () => void): Promise<void> {
  const events = watch(folder);
  try {
    const event = new Promise((resolve) => events.once("change", resolve));
    act();
    await event;
  } finally {
    events.close();
  }
}

test("of code that failed, what is written beside it is a change, once", async () => {
  watcher.watch([file("tasks.ts")], { failed: true });
  const written = watcher.changed();
  writeFileSync(file("missing.ts"), "export {};\n");
  await written;
  watcher.loads();

  let again = false;
  void watcher.changed().then(() => {
    again = true;
  });
  // An event of a file that is as it was.
  await told(() => chmodSync(file("missing.ts"), 0o600));
  await new Promise((resolve) => setTimeout(resolve, LOOKED_MS));
  expect(again).toBe(false);
});

test("what is written while code is loaded that fails is a change as well", async () => {
  watcher.watch([file("tasks.ts")], { failed: false });
  writeFileSync(join(elsewhere, "missing.ts"), "export {};\n");
  await told(() => renameSync(join(elsewhere, "missing.ts"), file("missing.ts")));
  watcher.watch([file("tasks.ts")], { failed: true });
  await watcher.changed();
});

test("code that failed for another reason is not loaded again for files that were there", async () => {
  writeFileSync(file("missing.ts"), "export {};\n");
  watcher.loads();
  watcher.watch([file("tasks.ts")], { failed: true });
  let changed = false;
  void watcher.changed().then(() => {
    changed = true;
  });
  await new Promise((resolve) => setTimeout(resolve, LOOKED_MS));
  expect(changed).toBe(false);
});

test("a change is told to who asks next, if who asked before has gone on without it", async () => {
  watcher.watch([file("tasks.ts")], { failed: false });
  watcher.loads();
  const before = watcher.changed();
  writeFileSync(file("tasks.ts"), "export {};\n");
  await before;
  await watcher.changed();
});

test("what is imported for the first time, and changes while it is loaded, is a change", async () => {
  watcher.watch([file("tasks.ts")], { failed: false });
  watcher.loads();
  write(join(elsewhere, "new.ts"), "export {};\n", whileLoading());
  watcher.watch([file("tasks.ts"), join(elsewhere, "new.ts")], { failed: false });
  await watcher.changed();
});

test("what came into a new folder while code was loaded that failed is a change", async () => {
  watcher.watch([file("tasks.ts")], { failed: false });
  watcher.loads();
  write(join(elsewhere, "lib.ts"), 'import "./missing.ts";\n', new Date(0));
  write(join(elsewhere, "missing.ts"), "export {};\n", whileLoading());
  watcher.watch([file("tasks.ts"), join(elsewhere, "lib.ts")], { failed: true });
  await watcher.changed();
});
