/** The PostgreSQL and Redis of this machine, if they run: for tests, and for the bench. */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { userInfo } from "node:os";
import pg from "pg";

export const POSTGRES_PORT = 5432;
export const REDIS_PORT = 6379;
const PROBE_LIMIT_MS = 500;

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_LIMIT_MS, () => end(false));
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });

const adminUrl = (database: string) =>
  `postgres://${userInfo().username}@127.0.0.1:${POSTGRES_PORT}/${database}`;

async function postgresAnswers(): Promise<boolean> {
  if (!(await answers(POSTGRES_PORT))) return false;
  const client = new pg.Client({
    connectionString: adminUrl("postgres"),
    connectionTimeoutMillis: PROBE_LIMIT_MS,
  });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Whether both answer. */
export const serversAnswer = (await postgresAnswers()) && (await answers(REDIS_PORT));

export const redisServerUrl = `redis://127.0.0.1:${REDIS_PORT}`;

export const randomName = (): string => `tickwork_test_${randomBytes(6).toString("hex")}`;

export interface LocalDatabase {
  url: string;
  /** Removes it even while connections are open. */
  drop(): Promise<void>;
}

/** Creates a database: an empty one, or a copy of one that nobody is connected to. */
export async function createDatabase({ copyOf = "template1" } = {}): Promise<LocalDatabase> {
  const name = randomName();
  const admin = async (sql: string) => {
    const client = new pg.Client({ connectionString: adminUrl("postgres") });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  await admin(`create database ${name} template ${copyOf}`);
  return { url: adminUrl(name), drop: () => admin(`drop database if exists ${name} with (force)`) };
}
