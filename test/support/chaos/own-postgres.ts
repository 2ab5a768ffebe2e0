/** A PostgreSQL of one's own, on a spare port and in a folder that goes away with it. */
import { execFile, type SpawnOptions } from "node:child_process";
import { chownSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { type Binaries, unprivilegedUser } from "./binaries.ts";
import { restartable, sparePort, startProcess } from "./own-process.ts";

/** What PostgreSQL's postmaster understands: `fast` ends sessions and writes everything, `immediate` is a crash. */
const SHUTDOWN = { fast: "SIGINT", immediate: "SIGQUIT" } as const;
const START_LIMIT_MS = 60_000;

export interface OwnPostgres {
  url: string;
  start(): Promise<void>;
  stop(how: keyof typeof SHUTDOWN): Promise<void>;
  /** One statement on a connection of its own. */
  sql<Row extends pg.QueryResultRow>(text: string, params?: unknown[]): Promise<Row[]>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

/** Makes a cluster and starts it. */
export async function openOwnPostgres({ initdb, postgres }: Binaries): Promise<OwnPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "tickwork-postgres-"));
  const user = unprivilegedUser();
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  await promisify(execFile)(
    initdb,
    ["-D", data, "-U", "tickwork", "-A", "trust", "-E", "UTF8", "--no-sync"],
    {
      ...user,
      cwd: folder,
      // What belongs to another PostgreSQL must not be taken for this one's.
      env: { PATH: process.env.PATH },
    },
  );
  const port = await sparePort();
  const url = `postgres://tickwork@127.0.0.1:${port}/postgres`;
  const log = openSync(join(folder, "log"), "a");

  const sql = async <Row extends pg.QueryResultRow>(text: string, params: unknown[] = []): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: url, application_name: "chaos" });
    client.on("error", () => {});
    try {
      await client.connect();
      return (await client.query<Row>(text, params)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  };
  const args = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-c", "max_connections=200"];
  const options: SpawnOptions = {
    ...user,
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", log, log],
  };
  const server = restartable(
    () => startProcess(postgres, args, options, SHUTDOWN.immediate),
    () => sql("select 1"),
    START_LIMIT_MS,
  );
  const stop = (how: keyof typeof SHUTDOWN) => server.end(SHUTDOWN[how]);
  await server.start();
  return {
    url,
    start: server.start,
    stop,
    sql,
    async close() {
      await stop("immediate");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
