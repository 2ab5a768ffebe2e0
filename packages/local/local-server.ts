import { existsSync, readFileSync } from "node:fs";
import { type Environment, readConfig } from "#core";
import { apiKeyFile } from "./data-folder.ts";
import { urlOf } from "./url.ts";

/** The server of this machine, as its settings say; whether it runs is not asked. */
export interface LocalServer {
  url: string;
  /** Undefined when neither the environment nor the data folder has one yet. */
  apiKey: string | undefined;
  dataDir: string;
}

/**
 * Where the server of this machine is, and its key.
 *
 * @throws ConfigError with one line when the environment has a value that is not acceptable
 * @example const { url, apiKey } = localServer(process.env);
 */
export function localServer(env: Environment): LocalServer {
  const { host, port, apiKey, dataDir } = readConfig(env);
  const file = apiKeyFile(dataDir);
  const kept = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  return { url: urlOf(host, port), apiKey: apiKey ?? (kept || undefined), dataDir };
}
