/**
 * What only the functions may know. SST encrypts what is linked to a function into its package; no environment
 * variable holds any of it.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { addressOf, POSTGRES_SCHEMES, REDIS_SCHEMES, readConfig } from "../packages/core/config.ts";
import { encryptionKeysOf } from "../packages/core/encryption-keys.ts";
import { ConfigError } from "../packages/core/errors.ts";
import { isNeon, needsToken } from "../packages/drivers/addresses.ts";
import type { DatabaseAddress, RedisAddress, TickworkOptions } from "./options.ts";

type Text = $util.Input<string>;

/**
 * @param address default: the secret `DatabaseUrl`
 * @throws ConfigError in the deployment, with one line, when that is no address of Postgres
 */
export function databaseLink(address?: DatabaseAddress) {
  const name = address ? "database.url" : "DatabaseUrl";
  const given = address?.url ?? new sst.Secret("DatabaseUrl").value;
  const url = $util.output(given).apply((value) => addressOf(name, value, POSTGRES_SCHEMES));
  return new sst.Linkable("TickworkDatabase", { properties: { url: $util.secret(url) } });
}

/**
 * @param address default: the secrets `RedisUrl` and `RedisToken`
 * @throws ConfigError in the deployment, with one line, when that is no address of Redis, or one without its token
 */
export function redisLink(address?: RedisAddress) {
  const [urlName, tokenName] = address ? ["redis.url", "redis.token"] : ["RedisUrl", "RedisToken"];
  const url = address?.url ?? new sst.Secret("RedisUrl").value;
  const token = address ? (address.token ?? NO_TOKEN) : new sst.Secret("RedisToken", NO_TOKEN).value;
  const checked = $util.all([url, token]).apply(([url, token]) => {
    if (needsToken(addressOf(urlName, url, REDIS_SCHEMES)) && token === NO_TOKEN)
      throw new ConfigError(`${tokenName} must be the REST token of ${urlName}, got nothing.`);
    return { url, token };
  });
  const properties = { url: $util.secret(checked.url), token: $util.secret(checked.token) };
  return new sst.Linkable("TickworkRedis", { properties });
}

/** A function has the same links whichever Redis it is. */
const NO_TOKEN = "";

/**
 * What encrypts the tasks of types that say so: the secret `TaskEncryptionKeys`, in the form of `TASK_ENCRYPTION_KEYS`; empty
 * where none do.
 *
 * @throws ConfigError in the deployment, with one line, when they are not such keys
 */
export function encryptionKeysLink() {
  const given = new sst.Secret("TaskEncryptionKeys", NO_KEYS).value;
  const value = $util.output(given).apply((keys) => {
    encryptionKeysOf("TaskEncryptionKeys", keys);
    return keys;
  });
  return new sst.Linkable("TickworkEncryptionKeys", { properties: { value: $util.secret(value) } });
}

const NO_KEYS = "";

/**
 * The environment of functions that connect to Postgres themselves: Node knows the authorities of Amazon RDS only from
 * this file, which Lambda has beside its runtime. Reading it makes cold starts slower, so functions on Neon go without.
 */
export function certificates(
  database: ReturnType<typeof databaseLink>,
): $util.Output<Record<string, string>> {
  const file = $util.output(database.properties.url).apply((url) => (isNeon(url) ? {} : CERTIFICATES));
  return $util.unsecret(file);
}

const CERTIFICATES: Record<string, string> = { NODE_EXTRA_CA_CERTS: "/var/runtime/ca-cert.pem" };

/** What the handlers that ship keep secret; undefined when the app gives none of it. */
export function handlerLink({ smtpUrl = "", webhookSecrets = "" }: HandlerSecrets) {
  if (!smtpUrl && !webhookSecrets) return undefined;
  const checked = $util.all([smtpUrl, webhookSecrets]).apply(([smtpUrl, webhookSecrets]) => {
    readConfig({ SMTP_URL: smtpUrl, WEBHOOK_SECRETS: webhookSecrets });
    return { smtpUrl, webhookSecrets };
  });
  return new sst.Linkable("TickworkHandlers", {
    properties: {
      smtpUrl: $util.secret(checked.smtpUrl),
      webhookSecrets: $util.secret(checked.webhookSecrets),
    },
  });
}

type HandlerSecrets = Pick<TickworkOptions, "smtpUrl" | "webhookSecrets">;

/**
 * The API's key: the secret `TickworkApiKey` if it is set, otherwise a random one that the first deployment generates
 * and keeps in the encrypted state. So the service is never without a key, and no one has to invent one.
 *
 * @param value the app's own key
 */
export function apiKeyLink(value?: Text) {
  if (value) return new sst.Linkable("TickworkApiKey", { properties: { value: $util.secret(value) } });
  const generated = new RandomPassword("TickworkGeneratedApiKey", { length: KEY_LENGTH, special: false });
  return new sst.Secret("TickworkApiKey", generated.result);
}

export type ApiKeyLink = ReturnType<typeof apiKeyLink>;

/** Characters out of 62: 238 bits. */
const KEY_LENGTH = 40;

/**
 * SST brings Pulumi's provider `random` for its own use. Taking it from SST's platform spares apps from listing it among
 * their providers, at the price of its types.
 */
const { RandomPassword } = createRequire(join($cli.paths.platform, "package.json"))("@pulumi/random") as {
  RandomPassword: new (
    name: string,
    args: { length: number; special: boolean },
  ) => { result: $util.Output<string> };
};
