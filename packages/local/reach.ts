/**
 * Whether Postgres and Redis can be used, asked once at the start. A running process waits for one that is away; a
 * process that never met it cannot tell that from a wrong address, so it says what it met, and ends.
 */
import {
  ConfigError,
  type Database,
  type PostgresDriver,
  PostgresError,
  type RedisDriver,
  systemClock,
} from "#core";
import { messageOf } from "../core/errors.ts";
import { START_CONNECT_LIMIT_MS } from "../core/limits.ts";
import { retrying } from "../core/retry.ts";
import { isTransient } from "../core/store/database.ts";
import { serverState } from "../core/store/diagnose.ts";
import { withinLimit } from "../core/within-limit.ts";

/** Asks Postgres for nothing. It may be starting just now, so what may pass is tried again, within the limit. */
export async function reachPostgres(driver: PostgresDriver): Promise<void> {
  const ask = (signal: AbortSignal) =>
    driver.query({ text: "select" }, signal).catch((error: unknown) => {
      throw new PostgresError(error);
    });
  await inTime((signal) =>
    retrying(
      systemClock,
      () => ask(signal),
      (error) => isTransient(error) && !signal.aborted,
    ),
  );
}

/** Has a script delete what is not there: that takes every right that Tickwork needs. */
export async function reachRedis(driver: RedisDriver, prefix: string): Promise<void> {
  const command = ["EVAL", "return redis.call('DEL', KEYS[1])", "1", `${prefix}:start`];
  await inTime(() => driver.call(command));
}

/** Why a start cannot use the database: what Postgres or the way to it said, in one line. */
export const postgresRefusal = (databaseUrl: string, error: unknown): ConfigError =>
  refusal({
    variable: "DATABASE_URL",
    address: databaseUrl,
    error,
    advice: (code) => ADVICE[code] ?? "correct host, port, database, user, password or sslmode",
  });

/**
 * Whether tasks may be written, on a schema that is there: a start that found out by its first task would be too late.
 *
 * @throws ConfigError with one line
 */
export async function checkRights(database: Database, databaseUrl: string): Promise<void> {
  const { read_only, missing_rights } = await serverState(database);
  const lacks = missing_rights.join(", ");
  const met = read_only ? "it can only be read" : lacks && `no right to ${lacks} in "baasix_Tasks"`;
  if (met)
    throw postgresRefusal(
      databaseUrl,
      Object.assign(new Error(met), { code: read_only ? "25006" : "42501" }),
    );
}

/** The same of Redis, without which Tickwork can do. */
export const redisRefusal = (url: string, token: string | undefined, error: unknown): ConfigError =>
  refusal({
    variable: "CACHE_REDIS_URL",
    address: url,
    secret: token,
    error,
    advice: (code) =>
      `${ADVICE[code] ?? "correct scheme (rediss:// has TLS), host, port, user or password"}, or set CACHE_ENABLED=false to use Postgres alone`,
  });

const inTime = <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
  withinLimit(
    START_CONNECT_LIMIT_MS,
    work,
    () => new Error(`no answer within ${START_CONNECT_LIMIT_MS / 1000} s`),
  );

interface Refusal {
  variable: string;
  address: string;
  /** A secret that is not in the address. */
  secret?: string | undefined;
  error: unknown;
  advice: (code: string) => string;
}

/** What a message of a server may have; the rest of it is not for a line. */
const MET_LIMIT = 300;

function refusal({ variable, address, secret, error, advice }: Refusal): ConfigError {
  const { username, password, host, pathname, searchParams } = new URL(address);
  const place = [host || "this machine", pathname === "/" ? "" : pathname].join("");
  const user = decodeURIComponent(username);
  const secrets = [password, decodeURIComponent(password), searchParams.get("password"), secret];
  let met = textOf(rootOf(error));
  for (const one of secrets) if (one) met = met.replaceAll(one, "***");
  met = met.replace(/\s+/g, " ").slice(0, MET_LIMIT);
  return new ConfigError(
    `${variable} leads to ${place}${user ? ` as ${user}` : ""}, and there: ${met}; ${advice(codeOf(error))}.`,
  );
}

const CERTIFICATE = "name its authority with NODE_EXTRA_CA_CERTS=<file>";

/** What to do, by the code of what was met: of Node's sockets and TLS, SQLSTATE, or the first word of Redis's error. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOTFOUND: "correct the host",
  EAI_AGAIN: "correct the host, or see whether this machine has a network",
  ECONNREFUSED: "correct host and port, or start the server there",
  "28P01": "correct user or password",
  "28000": "correct the user or what the server lets in; where it insists on TLS, add ?sslmode=require",
  "3D000": "create the database, or correct its name",
  "42501": "give the user the rights to create and change tables there",
  "25006": "use the address of the primary, which can be written to",
  DEPTH_ZERO_SELF_SIGNED_CERT: CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CERTIFICATE,
  WRONGPASS: "correct user and password, with https:// CACHE_REDIS_TOKEN",
  NOAUTH: "add the password: redis://:password@host:port",
  NOPERM: "give the user the rights to run scripts (EVAL) and to write keys that begin with tickwork:",
  READONLY: "use the address of the primary, which can be written to",
};

/** Our own errors and those of `fetch` only say that something failed. */
function rootOf(error: unknown): unknown {
  const { cause } = error as { cause?: unknown };
  return (error instanceof PostgresError || error instanceof TypeError) && cause ? rootOf(cause) : error;
}

/** A host with several addresses fails with several errors. */
const textOf = (error: unknown): string =>
  error instanceof AggregateError ? error.errors.map(messageOf).join(", ") : messageOf(error);

function codeOf(error: unknown): string {
  const root = rootOf(error);
  const { code } = root as { code?: unknown };
  return typeof code === "string" ? code : (/^[A-Z]+(?= )/.exec(messageOf(root))?.[0] ?? "");
}
