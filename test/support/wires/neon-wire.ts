/**
 * Neon's SQL over HTTP, answered in this process: production's driver, production's requests, another Postgres behind
 * them. One query comes as `{query, params}`, a transaction as `{queries: […]}` with its options in headers; values
 * travel as Postgres's text.
 */
import { neonConfig } from "@neondatabase/serverless";

export interface WireQuery {
  query: string;
  params: unknown[];
}

export interface WireResult {
  command: string;
  rowCount: number | null;
  fields: { name: string; dataTypeID: number }[];
  rows: (string | null)[][];
}

/** A Postgres that answers the wire. */
export interface Backend {
  query(query: WireQuery): Promise<WireResult>;
  transaction(queries: readonly WireQuery[], options: TransactionOptions): Promise<WireResult[]>;
  close(): Promise<void>;
}

export interface TransactionOptions {
  isolation: string | undefined;
  readOnly: boolean;
  deferrable: boolean;
}

/** What a backend raises for an error of Postgres; anything else counts as a broken connection. */
export interface SqlError {
  code: string;
  message: string;
}

const isSqlError = (error: unknown): error is SqlError =>
  typeof (error as SqlError | undefined)?.code === "string" &&
  /^(?=.*\d)[0-9A-Z]{5}$/.test((error as SqlError).code);

const ERROR_FIELDS = [
  "severity",
  "code",
  "detail",
  "hint",
  "position",
  "internalPosition",
  "internalQuery",
  "where",
  "schema",
  "table",
  "column",
  "dataType",
  "constraint",
  "file",
  "line",
  "routine",
] as const;

const ISOLATION: Readonly<Record<string, string>> = {
  ReadUncommitted: "READ UNCOMMITTED",
  ReadCommitted: "READ COMMITTED",
  RepeatableRead: "REPEATABLE READ",
  Serializable: "SERIALIZABLE",
};

interface FetchInit {
  body: string;
  headers: Record<string, string>;
  signal?: AbortSignal;
}

type WireFetch = (url: string, init: FetchInit) => Promise<Response>;

const backends = new Map<string, Backend>();

/** The hosts of addresses: these are few, and to read one takes its time. */
const hosts = new Map<string, string>();
function hostOf(databaseUrl: string): string {
  const host = hosts.get(databaseUrl) ?? new URL(databaseUrl).hostname;
  hosts.set(databaseUrl, host);
  return host;
}

/**
 * Has Neon's driver reach this backend under an address, in all of this process.
 *
 * @returns the address, to be given to `neon()`
 * @example const databaseUrl = answerNeon("embedded", await openPglite(folder));
 */
export function answerNeon(name: string, backend: Backend): string {
  const host = `${name}.tickwork.invalid`;
  backends.set(host, backend);
  neonConfig.fetchFunction = wireFetch;
  return `postgresql://tickwork@${host}/tickwork`;
}

/** Ends it: whoever still asks is told that there is no such server. */
export function forgetNeon(databaseUrl: string): void {
  backends.delete(new URL(databaseUrl).hostname);
}

const wireFetch: WireFetch = async (url, init) => {
  const backend = backends.get(hostOf(init.headers["Neon-Connection-String"] ?? "postgres://none"));
  // An address that nobody answers here is a real one.
  if (!backend) return fetch(url, init);
  init.signal?.throwIfAborted();
  const body = JSON.parse(init.body) as WireQuery | { queries: WireQuery[] };
  try {
    const answer =
      "queries" in body
        ? { results: await backend.transaction(body.queries, optionsOf(init.headers)) }
        : await backend.query(body);
    return reply(200, answer);
  } catch (error) {
    if (!isSqlError(error)) throw error;
    const fields = error as unknown as Record<string, unknown>;
    return reply(400, {
      message: error.message,
      ...Object.fromEntries(ERROR_FIELDS.map((field) => [field, fields[field] ?? null])),
    });
  }
};

function optionsOf(headers: Record<string, string>): TransactionOptions {
  return {
    isolation: ISOLATION[headers["Neon-Batch-Isolation-Level"] ?? ""],
    readOnly: headers["Neon-Batch-Read-Only"] === "true",
    deferrable: headers["Neon-Batch-Deferrable"] === "true",
  };
}

/** The part of a Response that the driver reads; a real one would turn everything into bytes and back. */
function reply(status: number, answer: unknown): Response {
  const response: Pick<Response, "ok" | "status" | "json" | "text"> = {
    ok: status === 200,
    status,
    json: async () => answer,
    text: async () => JSON.stringify(answer),
  };
  return response as Response;
}

/** `BEGIN` or `SET TRANSACTION` with the options that a request names. */
export function transactionModes({ isolation, readOnly, deferrable }: TransactionOptions): string {
  return [isolation && `ISOLATION LEVEL ${isolation}`, readOnly && "READ ONLY", deferrable && "DEFERRABLE"]
    .filter(Boolean)
    .join(" ");
}
