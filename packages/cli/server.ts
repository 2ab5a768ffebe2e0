/** The server that a command talks to, over its HTTP API. */
import { type Command, Option } from "commander";
import { type Client, createClient, TickworkNetworkError } from "#client";
import { ConfigError, type Environment } from "#core";
import { messageOf } from "../core/errors.ts";
import { localServer } from "../local/local-server.ts";
import { UsageError } from "./failure.ts";

export interface ServerFlags {
  url?: string;
  apiKey?: string;
}

/** A server may be restarting just now; where none runs, more patience would only keep people waiting. */
const RETRIES = 2;

export function withServerOptions(command: Command): Command {
  return command
    .addOption(new Option("--url <url>", "where Tickwork answers (TICKWORK_URL; default: this machine's)"))
    .addOption(new Option("--api-key <key>", "its API key (API_KEY; default: the one kept in DATA_DIR)"));
}

/** Where the flags and the environment lead. */
export interface Target {
  url: string;
  apiKey: string | undefined;
  /** Whether a user named it, instead of taking this machine's. */
  named: boolean;
}

/**
 * The address and its key. The key that is kept on this machine is sent to nobody else.
 *
 * @throws ConfigError with one line when the environment is not acceptable
 */
export function targetOf(flags: ServerFlags, env: Environment, given: string | undefined): Target {
  const local = localServer(env);
  const named = flags.url ?? (given?.trim() || undefined);
  const url = named ?? local.url;
  const apiKey = flags.apiKey ?? (isLoopback(url) ? local.apiKey : env.API_KEY?.trim() || undefined);
  return { url, apiKey, named: named !== undefined };
}

/** @throws UsageError or ConfigError with one line */
export function clientOf(flags: ServerFlags): { client: Client; target: Target } {
  const target = targetOf(flags, process.env, process.env.TICKWORK_URL);
  try {
    return { client: createClient({ ...target, retries: RETRIES }), target };
  } catch (error) {
    const [flag, option, setting] = /^apiKey/.test(messageOf(error))
      ? [flags.apiKey, "--api-key", "API_KEY"]
      : [flags.url, "--url", "TICKWORK_URL"];
    if (flag !== undefined) throw new UsageError(`${option}: ${messageOf(error)}`);
    throw new ConfigError(`${setting}: ${messageOf(error)}`);
  }
}

/**
 * Does something with a client.
 *
 * @throws ConfigError with one line when no server answers; else what the client throws
 */
export async function withClient<T>(flags: ServerFlags, work: (client: Client) => Promise<T>): Promise<T> {
  const { client, target } = clientOf(flags);
  try {
    return await work(client);
  } catch (error) {
    throw error instanceof TickworkNetworkError ? unanswered(target, error) : error;
  }
}

/** What is said when nobody answers. */
export function unanswered({ url, named }: Target, error: TickworkNetworkError): ConfigError {
  // What `fetch` throws says only in its cause what happened.
  const { cause } = error.cause as { cause?: { code?: string; message?: string } };
  const mend = named
    ? "correct --url or TICKWORK_URL, or start the server there"
    : "start one with `npx tickwork dev`, or name another one with --url or TICKWORK_URL";
  return new ConfigError(
    `No Tickwork answers at ${url} (${cause?.code ?? cause?.message ?? messageOf(error)}); ${mend}.`,
  );
}

/** Whether an address is one of this machine. */
export function isLoopback(url: string): boolean {
  try {
    return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
  } catch {
    return false;
  }
}
