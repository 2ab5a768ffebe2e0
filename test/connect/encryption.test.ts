/** Encrypted tasks of a process that only enqueues. */
import { Client } from "pg";
import { expect, test } from "vitest";
import { connect } from "#connect";
import { createDatabase, createTickwork, defineTask, migrate, readConfig, silent, systemClock } from "#core";
import { openPg } from "#drivers";
import { createDatabase as createPostgres, serversAnswer } from "../../scripts/local-servers.ts";
import { noteRings } from "../support/bed/doorbells.ts";

const KEYS = `a:${Buffer.alloc(32, 3).toString("base64")}`;
const greet = defineTask({ type: "greet", encrypt: true, run: async (data) => ({ hello: data }) });

test.skipIf(!serversAnswer)(
  "a connection encrypts by the definition, and reads results, with the servers' keys",
  async () => {
    const { url, drop } = await createPostgres();
    const driver = await openPg(url);
    const database = createDatabase(driver, systemClock);
    await migrate(database, silent);
    const doorbell = noteRings();
    const server = createTickwork({
      config: readConfig({ TASK_ENCRYPTION_KEYS: KEYS }),
      log: silent,
      database,
      doorbell,
      definitions: [greet],
    });
    const tickwork = connect({ databaseUrl: url, encryptionKeys: KEYS, doorbell, log: silent });
    const without = connect({ databaseUrl: url, doorbell, log: silent });
    const client = new Client(url);
    await client.connect();
    try {
      const made = await tickwork.enqueue(greet, "Ada", { idempotencyKey: "once" });
      expect(await tickwork.enqueue(greet, "Ada", { idempotencyKey: "once" })).toMatchObject({ id: made.id });
      expect(made).toMatchObject({ task_data: "Ada", encrypted: ["task_data"] });
      await client.query("BEGIN");
      const inside = await tickwork.enqueue(greet, "Alan", { tx: client });
      expect(inside).toMatchObject({ task_data: "Alan", encrypted: ["task_data"] });
      await client.query("COMMIT");
      const { rows } = await client.query(`select task_data::text as data from "baasix_Tasks"`);
      for (const { data } of rows as { data: string }[]) expect(data).toMatch(/^"tickwork:encrypted:1:a:/);

      await expect(without.enqueue(greet, "Eve")).rejects.toMatchObject({ code: "encryption_key_missing" });
      expect(await server.worker.tick({ askPostgres: true })).toMatchObject({ completed: 2 });
      expect(await tickwork.result(made)).toEqual({ hello: "Ada" });
      expect(await tickwork.result(inside)).toEqual({ hello: "Alan" });
      await expect(without.result(made)).rejects.toMatchObject({ code: "encryption_key_missing" });
      expect(await without.tasks.list({ limit: 5 })).toHaveLength(2);
    } finally {
      await Promise.all([tickwork.close(), without.close(), client.end()]);
      await driver.close();
      await drop();
    }
  },
);
