/**
 * What only the functions may know. SST encrypts what is linked to a function into its package; no environment
 * variable holds any of it.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import type { DatabaseAddress, RedisAddress } from "./options.ts";

type Text = $util.Input<string>;

/** @param address default: the secret `DatabaseUrl` */
export function databaseLink(address?: DatabaseAddress) {
  const url = address?.url ?? new sst.Secret("DatabaseUrl").value;
  return new sst.Linkable("TickworkDatabase", { properties: { url: $util.secret(url) } });
}

/** @param address default: the secrets `RedisUrl` and `RedisToken` */
export function redisLink(address?: RedisAddress) {
  const url = address?.url ?? new sst.Secret("RedisUrl").value;
  const token = address?.token ?? new sst.Secret("RedisToken").value;
  return new sst.Linkable("TickworkRedis", {
    properties: { url: $util.secret(url), token: $util.secret(token) },
  });
}

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
