/** The handlers that ship, in the bundles that Lambda gets: what they load late is in there, or is the runtime's. */
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { storesAreOn } from "../support/lambda/stores.ts";
import { useStages } from "../support/lambda/use-stages.ts";
import { startMailServer } from "../support/web/mail-server.ts";
import { serveS3 } from "../support/web/s3-server.ts";
import { serve } from "../support/web/server.ts";

const SECRET = `whsec_${Buffer.alloc(32, "secret").toString("base64")}`;
const MAIL = { from: "shop@example.com", subject: "Hello", text: "Hi", recipients: ["ada@example.com"] };

describe(`on ${storesAreOn}`, () => {
  const open = useStages();

  test("sign and mail with what is linked to tick", { timeout: 60_000 }, async () => {
    const mail = await startMailServer();
    const hook = await serve((_, response) => response.end());
    const stage = await open({ handlers: { smtpUrl: mail.url, webhookSecrets: SECRET } });
    const made = await stage.post([
      { type: "http_request", task_data: { method: "POST", url: hook.url, body: { a: 1 }, sign: true } },
      { type: "email_batch", task_data: MAIL },
    ]);
    for (const { id } of made)
      await eventually(async () => (await stage.task(id)).task_status === "Completed");
    const [received] = hook.received;
    const headers = received?.headers as Record<string, string>;
    expect(new Webhook(SECRET).verify(received?.body ?? "", headers)).toEqual({ a: 1 });
    expect(mail.accepted.map(({ to }) => to)).toEqual(["ada@example.com"]);
    await mail.close();
  });

  test("mail through SES and export to S3, each in its format", { timeout: 60_000 }, async () => {
    const s3 = await serveS3();
    const ses = await serve((_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end('{"MessageId":"m-1"}');
    });
    const stage = await open({
      env: {
        EMAIL_SES: "true",
        EXPORT_TO: "s3://exports/daily",
        AWS_ENDPOINT_URL_SESV2: ses.url,
        AWS_ENDPOINT_URL_S3: s3.url,
      },
    });
    const [mailed] = await stage.post([{ type: "email_batch", task_data: MAIL }]);
    await eventually(async () => (await stage.task(mailed?.id ?? 0)).task_status === "Completed");
    expect(ses.received).toHaveLength(1);
    const sent = JSON.parse(ses.received[0]?.body ?? "");
    expect(sent.Destination).toEqual({ ToAddresses: ["ada@example.com"] });
    expect(Buffer.from(sent.Content.Raw.Data, "base64").toString()).toContain("Subject: Hello");

    const made = await stage.post(
      ["csv", "ndjson", "parquet"].map((format) => ({
        type: "data_export",
        task_data: { export: "tasks", format, file: "finished", params: { type: "email_batch" } },
      })),
    );
    for (const { id } of made)
      await eventually(async () => (await stage.task(id)).task_status === "Completed");
    const object = (ending: string) => s3.objects.get(`exports/daily/finished.${ending}`);
    expect(object("csv")?.toString()).toContain("\r\n1,email_batch,Completed,");
    expect(JSON.parse(object("ndjson")?.toString() ?? "")).toMatchObject({ id: 1, status: "Completed" });
    expect(object("parquet")?.subarray(0, 4).toString()).toBe("PAR1");
  });
});
