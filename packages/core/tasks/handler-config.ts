import type { Config } from "../config.ts";

const SEEN = [
  "dataDir",
  "httpRequestAllow",
  "webhookSecrets",
  "smtpUrl",
  "emailSes",
  "emailOutbox",
  "exportTo",
] as const satisfies (keyof Config)[];

/** The part of the configuration that handlers may see: no address and no key of Postgres, Redis or the API is in it. */
export type HandlerConfig = Readonly<Pick<Config, (typeof SEEN)[number]>>;

/** @example handlerConfigOf(readConfig({})).dataDir; // ".tickwork" */
export const handlerConfigOf = (config: Config): HandlerConfig =>
  Object.fromEntries(SEEN.map((name) => [name, config[name]])) as HandlerConfig;
