import type { Client } from "#client";
import { tell } from "./parts.tsx";
import { session } from "./session.ts";

/** Does something as whoever is signed in, and says that it is done. @throws what the call throws */
export async function act(said: string, call: (client: Client) => Promise<unknown>): Promise<void> {
  const client = session.get();
  if (!client) return;
  await call(client);
  tell(said);
}
