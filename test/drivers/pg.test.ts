import { createServer } from "node:net";
import { afterAll, expect, test } from "vitest";
import { openPg } from "#local";
import { createDatabase, serversAnswer } from "../../scripts/local-servers.ts";

const database = serversAnswer ? await createDatabase() : undefined;
afterAll(() => database?.drop());

test.skipIf(!database)(
  "a connection that Postgres cuts, in a transaction too, costs its caller an error and nobody else anything",
  async () => {
    const backend = openPg(database?.url ?? "");
    const modes = { isolation: "", readOnly: false, deferrable: false };
    const cut = { query: "select pg_terminate_backend(pg_backend_pid())", params: [] };
    const fine = { query: "select 1", params: [] };
    // What Postgres says while it cuts the connection comes when nobody waits for it: that would end the process.
    await expect(backend.transaction([fine, cut, fine], modes)).rejects.toThrow("terminating connection");
    await expect(backend.query(cut)).rejects.toThrow("terminating connection");
    expect((await backend.transaction([fine, fine], modes)).map(({ rows }) => rows)).toEqual([
      [["1"]],
      [["1"]],
    ]);
    await backend.close();
  },
);

test("a server that accepts connections and says nothing is an error after ten seconds", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  const backend = openPg(`postgres://somebody@127.0.0.1:${port}/nothing`);
  await expect(backend.query({ query: "select 1", params: [] })).rejects.toThrow("timeout");
  await backend.close();
  silent.close();
});
