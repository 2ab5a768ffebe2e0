/** A worker that is killed in the middle of an `email_batch`: nobody gets a mail twice. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Task } from "#core";
import type { EmailBatchResult } from "#tasks";
import { createDatabase, randomName, redisServerUrl, serversAnswer } from "../../scripts/local-servers.ts";
import { killAll, startServerProcess } from "../support/bed/process.ts";
import { temporaryFolder } from "../support/bed/template.ts";
import { eventually } from "../support/eventually.ts";
import { type MailServer, startMailServer } from "../support/web/mail-server.ts";

const PEOPLE = Array.from({ length: 12 }, (_, n) => `p${n + 1}@example.com`);

describe.skipIf(!serversAnswer)("a killed worker, on real servers", () => {
  let mail: MailServer;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  const start = () =>
    startServerProcess({
      DATABASE_URL: database.url,
      CACHE_REDIS_URL: redisServerUrl,
      DATA_DIR: temporaryFolder(),
      API_KEY: "key",
      SMTP_URL: mail.url,
      TASK_RUNNING_TTL: "5",
    });
  beforeAll(async () => {
    [mail, database] = await Promise.all([startMailServer(), createDatabase()]);
  });
  afterEach(() => killAll());
  afterAll(async () => {
    await mail.close();
    await database.drop();
  });

  test("two in a row, each while the mail server has a mail and has not answered yet", async () => {
    const first = await start();
    mail.before = async (to) => {
      if (to === "p3@example.com") first.kill("SIGKILL");
    };
    const { body } = await first.call<Task>("POST", "/tasks", {
      type: "email_batch",
      task_data: { from: "shop@example.com", subject: randomName(), text: "Hi", recipients: PEOPLE },
    });
    await first.ended;
    const second = await start();
    // The moment at which the seventh is offered, the outcome of the sixth is in Postgres.
    mail.before = async (to) => {
      if (to === "p7@example.com") second.kill("SIGKILL");
    };
    await second.ended;
    mail.before = () => {};
    const survivor = await start();
    const look = async () => (await survivor.call<Task>("GET", `/tasks/${body.id}`)).body;
    await eventually(async () => (await look()).task_status === "Completed", { limitMs: 30_000 });
    const task = await look();
    const accepted = mail.accepted.map(({ to }) => to);
    expect(accepted).toHaveLength(PEOPLE.length);
    expect(new Set(accepted)).toEqual(new Set(PEOPLE));
    const { recipients, ...counts } = task.result_data as EmailBatchResult;
    expect(counts).toEqual({ sent: 10, refused: 0, unknown: 2 });
    expect(recipients.filter(({ status }) => status === "unknown").map(({ to }) => to)).toEqual([
      "p3@example.com",
      "p7@example.com",
    ]);
    expect(task).toMatchObject({ crashes: 2, attempts: 3 });
  });
});
