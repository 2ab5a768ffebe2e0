/** The API keys: whether the one that is sent is accepted, and which end soon. */
import type { Client } from "#client";
import { ENVIRONMENT_KEY, SHORT_KEY } from "../../core/api-key.ts";
import { isLoopback, type Target } from "../server.ts";
import { type Finding, note, ok } from "./finding.ts";

/** How long before its end a key is mentioned. */
const SOON_MS = 14 * 86_400_000;

/** @throws what the client throws, such as for a wrong key */
export async function checkKeys(client: Client, { apiKey = "", url }: Target): Promise<Finding[]> {
  const { name, scopes } = await client.identity();
  const isShort = name === ENVIRONMENT_KEY && apiKey.length < SHORT_KEY && !isLoopback(url);
  return [
    isShort
      ? note(
          "api key",
          `has ${apiKey.length} characters, and may be guessed`,
          "set API_KEY to a random one: openssl rand -hex 32",
        )
      : ok("api key", `is accepted, for ${scopes.join(", ")}`),
    ...(scopes.includes("admin") ? await ending(client) : []),
  ];
}

async function ending(client: Client): Promise<Finding[]> {
  const nowMs = Date.now();
  return (await client.keys()).flatMap(({ id, name, expires_at }) => {
    if (expires_at === null || Date.parse(expires_at) > nowMs + SOON_MS) return [];
    const ended = Date.parse(expires_at) <= nowMs;
    const mend = ended
      ? `withdraw it with \`npx tickwork keys delete ${id}\``
      : "make the next one with `npx tickwork keys create`, and withdraw this one when it is not used any more";
    return [note("api keys", `${name} (${id}) ${ended ? "ended" : "ends"} at ${expires_at}`, mend)];
  });
}
