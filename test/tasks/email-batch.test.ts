/** `email_batch` on a real mail server. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { PermanentError } from "#core";
import type { EmailBatchResult } from "#tasks";
import { testContext } from "#testing";
import { emailBatch } from "../../packages/tasks/email-batch.ts";
import { sesDelivery, smtpDelivery } from "../../packages/tasks/email-transport.ts";
import { aTask } from "../support/run/rows.ts";
import { type MailServer, startMailServer } from "../support/web/mail-server.ts";
import { failureOf, issuesOf, runTask, type Surroundings } from "../support/web/run-task.ts";

let mail: MailServer;
beforeAll(async () => {
  mail = await startMailServer();
});
afterEach(() => {
  mail.accepted.length = 0;
  mail.refuse.clear();
  mail.before = () => {};
  mail.connections = 0;
});
afterAll(() => mail.close());

const people = (count: number) => Array.from({ length: count }, (_, n) => `p${n + 1}@example.com`);
const batch = (changes: object = {}) => ({
  from: "The shop <shop@example.com>",
  subject: "Hello",
  text: "Hi",
  recipients: people(3),
  ...changes,
});
const send = (data: object, surroundings: Surroundings = {}) =>
  runTask<EmailBatchResult>(emailBatch, data, { smtpUrl: mail.url, ...surroundings });
const acceptedBy = () => mail.accepted.map(({ to }) => to);

describe("a batch", () => {
  test("is one mail for each, over one connection, with progress and a result", async () => {
    const progress: number[] = [];
    const result = await send(batch(), { progress: async (fraction) => void progress.push(fraction) });
    expect(acceptedBy()).toEqual(people(3));
    expect(mail.connections).toBe(1);
    expect(progress).toEqual([1 / 3, 2 / 3, 1]);
    expect(result).toEqual({
      sent: 3,
      refused: 0,
      unknown: 0,
      recipients: people(3).map((to) => ({ to, status: "sent" })),
    });
    expect(mail.accepted[0]?.text).toMatch(/^From: The shop <shop@example\.com>\r\nTo: p1@example\.com\r\n/);
  });

  test("fills in what each recipient has, and escapes it in HTML", async () => {
    const recipients = [
      { to: "Ada <ada@example.com>", variables: { name: "Ada & <Co>", count: 7 } },
      { to: "alan@example.com", variables: { name: "Alan {{count}}", count: 8, other: "unused" } },
    ];
    const texts = { subject: "For {{name}}", text: "{{ name }}: {{count}}", html: "<p>{{name}}</p>" };
    await send(batch({ ...texts, recipients, reply_to: "help@example.com" }));
    const [ada, alan] = mail.accepted.map(({ text }) => text);
    expect(ada).toContain("Subject: For Ada & <Co>");
    expect(ada).toContain("Ada & <Co>: 7");
    expect(ada).toContain("<p>Ada &amp; &lt;Co&gt;</p>");
    expect(ada).toContain("Reply-To: help@example.com");
    // What a value contains is not filled in again.
    expect(alan).toContain("Subject: For Alan {{count}}");
  });

  test("a recipient who is refused keeps no other from getting it", async () => {
    mail.refuse.set("p2@example.com", [550, "No such user"]);
    expect(await send(batch())).toMatchObject({
      sent: 2,
      refused: 1,
      recipients: [{}, { to: "p2@example.com", status: "refused", reason: "550 No such user" }, {}],
    });
    expect(acceptedBy()).toEqual(["p1@example.com", "p3@example.com"]);
  });

  test("a recipient who is wanted later gets it in a later attempt, the others not again", async () => {
    mail.refuse.set("p2@example.com", [450, "Greylisted"]);
    const { notes } = testContext();
    const task = aTask({ type: "email_batch" });
    const error = await failureOf(send(batch(), { notes, task }));
    expect(error).toMatchObject({ name: "EmailDeferredError", code: "email_deferred" });
    expect(error.message).toContain("p2@example.com: 450 Greylisted");
    expect(error).not.toBeInstanceOf(PermanentError);
    mail.refuse.clear();
    expect(await send(batch(), { notes, task: { ...task, attempts: 2 } })).toMatchObject({ sent: 3 });
    expect(acceptedBy()).toEqual(["p1@example.com", "p3@example.com", "p2@example.com"]);
  });

  test("who is wanted later in the last attempt counts as refused", async () => {
    mail.refuse.set("p2@example.com", [450, "Greylisted"]);
    const { notes } = testContext();
    const last = aTask({ type: "email_batch", attempts: 3 });
    const result = {
      sent: 2,
      refused: 1,
      recipients: [{}, { status: "refused", reason: "450 Greylisted" }, {}],
    };
    expect(await send(batch(), { notes, task: last })).toMatchObject(result);
    // Also when it is retried by hand: the whole batch has its outcome.
    mail.refuse.clear();
    expect(await send(batch(), { notes, task: last })).toMatchObject(result);
    expect(mail.accepted).toHaveLength(2);
  });

  test("the id of a mail is that of its task and recipient, in each attempt", async () => {
    const ids = () => mail.accepted.map(({ text }) => /^Message-ID: (<.*>)\r$/m.exec(text)?.[1]);
    const task = aTask({ type: "email_batch" });
    await send(batch(), { task });
    await send(batch({ when_unknown: "resend" }), { task: { ...task, attempts: 2 } });
    const [first, second, third, ...again] = ids();
    expect(new Set([first, second, third]).size).toBe(3);
    expect(first).toMatch(/^<msg_[\w-]{27}\.1@example\.com>$/);
    expect(again).toEqual([first, second, third]);
  });

  test("a cancellation between two recipients ends it; the first ones are not sent to again by a retry", async () => {
    const { notes } = testContext();
    const aborting = new AbortController();
    mail.before = (to) => {
      if (to === "p2@example.com") aborting.abort(new Error("cancelled"));
    };
    const error = await failureOf(send(batch({ recipients: people(9) }), { notes, signal: aborting.signal }));
    expect(error.message).toBe("cancelled");
    expect(acceptedBy()).toEqual(people(2));
    expect(await notes.read()).toEqual({ "to p1@example.com": "sent", "to p2@example.com": "sent" });
    mail.before = () => {};
    expect(await send(batch({ recipients: people(9) }), { notes })).toMatchObject({ sent: 9 });
    expect(acceptedBy()).toEqual(people(9));
  });
});

describe("whose worker died", () => {
  const begun = () =>
    testContext({ notes: { "to p1@example.com": "sent", "to p2@example.com": "begun" } }).notes;

  test("leaves out whom it may have sent to, and says so", async () => {
    expect(await send(batch(), { notes: begun() })).toEqual({
      sent: 2,
      refused: 0,
      unknown: 1,
      recipients: [
        { to: "p1@example.com", status: "sent" },
        { to: "p2@example.com", status: "unknown" },
        { to: "p3@example.com", status: "sent" },
      ],
    });
    expect(acceptedBy()).toEqual(["p3@example.com"]);
  });

  test("sends to them again when asked to", async () => {
    const result = await send(batch({ when_unknown: "resend" }), { notes: begun() });
    expect(result).toMatchObject({ sent: 3, unknown: 0 });
    expect(acceptedBy()).toEqual(["p2@example.com", "p3@example.com"]);
  });

  test("goes by addresses, whatever became of their order and case", async () => {
    await send(batch({ recipients: ["p3@example.com", "P1@EXAMPLE.com"] }), { notes: begun() });
    expect(acceptedBy()).toEqual(["p3@example.com"]);
  });
});

describe("the mail server", () => {
  test("that is not there fails the attempt, and nobody is left unknown", async () => {
    const { notes } = testContext();
    const error = await failureOf(send(batch(), { notes, smtpUrl: "smtp://127.0.0.1:1" }));
    expect(error).toMatchObject({ name: "SendError", unsent: true });
    expect(error).not.toBeInstanceOf(PermanentError);
    expect(await notes.read()).toEqual({});
    expect(await send(batch(), { notes })).toMatchObject({ sent: 3 });
  });

  test("that hangs up after the text, before its answer, leaves one unknown, and is not asked twice", async () => {
    const { notes } = testContext();
    mail.before = () => mail.hangUp();
    const error = await failureOf(send(batch(), { notes }));
    expect(error).toMatchObject({ name: "SendError", unsent: false });
    expect(acceptedBy()).toEqual(["p1@example.com"]);
    mail.before = () => {};
    expect(await send(batch(), { notes })).toMatchObject({ sent: 2, unknown: 1 });
    expect(acceptedBy()).toEqual(people(3));
  });

  test("that hangs up before the text leaves nobody unknown", async () => {
    const { notes } = testContext();
    mail.refuse.set("p2@example.com", [0, "hang up"]);
    const error = await failureOf(send(batch(), { notes }));
    expect(error).toMatchObject({ name: "SendError", unsent: true });
    expect(await notes.read()).toEqual({ "to p1@example.com": "sent" });
    mail.refuse.clear();
    expect(await send(batch(), { notes })).toMatchObject({ sent: 3 });
    expect(acceptedBy()).toEqual(people(3));
  });

  test("what its answers say", () => {
    const of = (responseCode: number, command: string) => {
      const response = `${responseCode} it says`;
      return () => smtpDelivery(Object.assign(new Error("x"), { responseCode, command, response }), false);
    };
    expect(of(552, "DATA")()).toEqual({ status: "refused", reason: "552 it says" });
    expect(of(421, "RCPT TO")()).toEqual({ status: "later", reason: "421 it says" });
    for (const step of ["CONN", "EHLO", "STARTTLS", "AUTH PLAIN"])
      expect(of(535, step)).toThrow(expect.objectContaining({ unsent: true }));
    const lost = Object.assign(new Error("lost"), { command: "CONN" });
    expect(() => smtpDelivery(lost, true)).toThrow(expect.objectContaining({ unsent: false }));
  });

  test("what the answers of SES say", () => {
    const of = (name: string, httpStatusCode?: number) => () =>
      sesDelivery(Object.assign(new Error("it says"), { name, $metadata: { httpStatusCode } }));
    expect(of("MessageRejected", 400)()).toEqual({ status: "refused", reason: "MessageRejected: it says" });
    expect(of("TooManyRequestsException", 429)()).toMatchObject({ status: "later" });
    expect(of("AccessDeniedException", 403)).toThrow(expect.objectContaining({ unsent: true }));
    expect(of("InternalFailure", 500)).toThrow(expect.objectContaining({ unsent: false }));
    expect(of("TimeoutError")).toThrow(expect.objectContaining({ unsent: false }));
  });
});

describe("without a mail server", () => {
  test("each mail is a file in the outbox, once, however often it is written", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tickwork-outbox-"));
    const emailOutbox = join(folder, "out");
    const outbox = { smtpUrl: undefined, emailOutbox };
    expect(await send(batch(), outbox)).toMatchObject({ sent: 3 });
    expect(await send(batch(), outbox)).toMatchObject({ sent: 3 });
    const files = readdirSync(emailOutbox);
    expect(files).toHaveLength(3);
    for (const file of files) {
      expect(file).toMatch(/^msg_[\w-]{27}\.\d\.eml$/);
      expect(readFileSync(join(emailOutbox, file), "utf8")).toMatch(/^To: p\d@example\.com\r?$/m);
    }
    rmSync(folder, { recursive: true });
  });

  test("and without an outbox, the task ends in Error", async () => {
    const error = await failureOf(send(batch(), { smtpUrl: undefined, emailOutbox: undefined }));
    expect(error).toMatchObject({ code: "email_not_set_up" });
    expect(error).toBeInstanceOf(PermanentError);
  });
});

describe("what is refused at once", () => {
  const lineBreaks = [
    "\r\nBcc: eve@example.com",
    "\nBcc: eve@example.com",
    "\rBcc: eve@example.com",
    "\0",
    "\u2028Bcc: x",
  ];
  test.each(lineBreaks)("a header that begins with %j in any field", async (evil) => {
    const recipients = [{ to: "a@example.com", variables: { name: `Ada${evil}` } }];
    for (const changes of [
      { from: `shop@example.com${evil}` },
      { from: `Shop${evil} <shop@example.com>` },
      { reply_to: `shop@example.com${evil}` },
      { subject: `Hello${evil}` },
      { recipients: [`a@example.com${evil}`] },
      { recipients: [`Ada${evil} <a@example.com>`] },
      { recipients: [{ to: `a@example.com${evil}` }] },
      { subject: "{{name}}", recipients },
    ])
      expect(await issuesOf(emailBatch, batch(changes)), JSON.stringify(changes)).not.toEqual([]);
  });

  test.each([
    ["two addresses in one", { recipients: ["a@example.com, b@example.com"] }],
    ["two addresses in one", { recipients: ["a@example.com;b@example.com"] }],
    ["two addresses in one", { recipients: ["Ada <a@example.com> <b@example.com>"] }],
    ["an address without a domain", { recipients: ["ada"] }],
    ["nobody", { recipients: [] }],
    ["too many", { recipients: people(501) }],
    ["somebody twice", { recipients: ["a@example.com", "Ada <A@Example.com>"] }],
    ["no text", { text: undefined }],
    ["a text that is a file", { text: { path: "/etc/passwd" } }],
    ["a variable that somebody lacks", { text: "{{name}}" }],
    ["an inherited variable", { text: "{{constructor}}", recipients: [{ to: "a@example.com" }] }],
    ["an attachment", { attachments: [{ path: "/etc/passwd" }] }],
    ["a header", { headers: { Bcc: "eve@example.com" } }],
  ])("%s", async (_, changes) => {
    expect(await issuesOf(emailBatch, batch(changes))).toHaveLength(1);
  });
});
