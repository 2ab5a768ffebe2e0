/**
 * The embedded Postgres does not lock its folder: two processes on one folder would lose each other's writes. This lock
 * prevents that, and holding it proves that the previous process is dead.
 */
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "#core";

interface Holder {
  pid: number;
  /** When that process began, as far as the system tells: process ids are reused. */
  began: string;
}

/** Taking over a dead process's lock is long done after this time. */
const TAKEOVER_LIMIT_MS = 10_000;

const held = new Set<string>();

/**
 * Takes the lock of a folder, which is there.
 *
 * @returns a function that releases it
 * @throws ConfigError with one line when a living process holds it
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, "tickwork.lock");
  const mine = join(folder, `tickwork.lock.${process.pid}`);
  writeFileSync(mine, JSON.stringify({ pid: process.pid, began: beginningOf(process.pid) } satisfies Holder));
  try {
    if (!linked(mine, path)) takeOver(folder, mine, path);
  } finally {
    rmSync(mine, { force: true });
  }
  held.add(path);
  return () => {
    held.delete(path);
    rmSync(path, { force: true });
  };
}

/** A link is created atomically, and only if its name is free. */
export function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Replaces a dead process's lock by ours; one process at a time may do so. */
function takeOver(folder: string, mine: string, path: string): void {
  const takeover = join(folder, "tickwork.lock.takeover");
  const busy = () =>
    new ConfigError(`${folder} is in use by another process; stop it, or set DATA_DIR to another folder.`);
  if (!linked(mine, takeover)) {
    if (Date.now() - statSync(takeover).mtimeMs < TAKEOVER_LIMIT_MS) throw busy();
    rmSync(takeover, { force: true });
    if (!linked(mine, takeover)) throw busy();
  }
  try {
    if (isAlive(path)) throw busy();
    rmSync(path, { force: true });
    if (!linked(mine, path)) throw busy();
  } finally {
    rmSync(takeover, { force: true });
  }
}

function isAlive(path: string): boolean {
  if (held.has(path)) return true;
  let holder: Holder;
  try {
    holder = JSON.parse(readFileSync(path, "utf8")) as Holder;
  } catch {
    return false;
  }
  // In a container, a new process often has the id of the dead one.
  if (holder.pid === process.pid) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return holder.began === beginningOf(holder.pid);
}

/** When a process began, in ticks since the machine did; empty where there is no /proc. */
function beginningOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; field 22 of the whole is the 20th behind it.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
