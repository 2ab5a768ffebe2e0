/**
 * What the functions must know and nobody else. SST encrypts what is linked to a function into its package; none of it
 * is in an environment variable.
 */
import { createRequire } from "node:module";
import { join } from "node:path";

type Text = $util.Input<string>;

/** A Postgres that is reached over Neon's protocol. */
export interface DatabaseAddress {
  url: Text;
}

/** A Redis that is reached over Upstash's protocol. */
export interface RedisAddress {
  url: Text;
  token: Text;
}

/** @param address the secret `DatabaseUrl` if absent */
export function databaseLink(address?: DatabaseAddress) {
  const url = address?.url ?? new sst.Secret("DatabaseUrl").value;
  return new sst.Linkable("TickworkDatabase", { properties: { url: $util.secret(url) } });
}

/** @param address the secrets `RedisUrl` and `RedisToken` if absent */
export function redisLink(address?: RedisAddress) {
  const url = address?.url ?? new sst.Secret("RedisUrl").value;
  const token = address?.token ?? new sst.Secret("RedisToken").value;
  return new sst.Linkable("TickworkRedis", {
    properties: { url: $util.secret(url), token: $util.secret(token) },
  });
}

/**
 * The key of the API: the secret `TickworkApiKey` when somebody has set it, else a random one, made by the first
 * deployment and kept in the encrypted state, so that the service is never without one and nobody has to invent it.
 *
 * @param value the app's own
 */
export function apiKeyLink(value?: Text) {
  if (value) return new sst.Linkable("TickworkApiKey", { properties: { value: $util.secret(value) } });
  const generated = new RandomPassword("TickworkGeneratedApiKey", { length: KEY_LENGTH, special: false });
  return new sst.Secret("TickworkApiKey", generated.result);
}

export type ApiKeyLink = ReturnType<typeof apiKeyLink>;

/** Of 62 characters: 238 bits. */
const KEY_LENGTH = 40;

/**
 * SST brings Pulumi's provider `random` for itself. An app would have to list it among its providers to have it under
 * a global name; taking it from SST's platform saves it that, at the price of its types.
 */
const { RandomPassword } = createRequire(join($cli.paths.platform, "package.json"))("@pulumi/random") as {
  RandomPassword: new (
    name: string,
    args: { length: number; special: boolean },
  ) => { result: $util.Output<string> };
};
