/** What the machine has installed: PostgreSQL's and Redis's own programs, and a user that PostgreSQL agrees to run as. */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

const POSTGRES_ROOT = "/usr/lib/postgresql";

export interface Binaries {
  initdb: string;
  postgres: string;
  redis: string;
}

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Where a program is: in one of these folders, or on the PATH. */
function find(program: string, folders: readonly string[] = []): string | undefined {
  return [...folders, ...(process.env.PATH ?? "").split(delimiter)]
    .map((folder) => join(folder, program))
    .find(isProgram);
}

/** Debian's folders, the newest version first; elsewhere the programs are on the PATH. */
function postgresFolders(): string[] {
  if (!existsSync(POSTGRES_ROOT)) return [];
  return readdirSync(POSTGRES_ROOT)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(POSTGRES_ROOT, version, "bin"));
}

/** The programs, or one sentence that says which are missing. */
export function findBinaries(): Binaries | string {
  const folders = postgresFolders();
  const initdb = find("initdb", folders);
  const postgres = find("postgres", folders);
  const redis = find("redis-server");
  if (initdb && postgres && redis) return { initdb, postgres, redis };
  const missing = [!initdb && "initdb", !postgres && "postgres", !redis && "redis-server"].filter(Boolean);
  return `${missing.join(", ")} not found: install PostgreSQL and Redis to run this; servers of its own are started from them.`;
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package made, or as nobody. */
export function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const [, , uid, gid] =
    users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody") ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
