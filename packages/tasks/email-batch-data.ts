import * as v from "valibot";
import { mustBe, quote } from "../core/errors.ts";
import { onlyFields } from "./only-fields.ts";

const MAX_RECIPIENTS = 500;
/** A note about a recipient has the address in its name. */
const MAX_ADDRESS = 250;
const MAX_SUBJECT = 998;
const MAX_VARIABLES = 50;
const MAX_VALUE = 1_000;

/**
 * Line breaks above all, which would begin another header; and what no mail has in a line. U+2028 and its like are not
 * line breaks of SMTP, but programs on the way may take them for such.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const ADDRESS = /^[^\s"(),:;<>@[\\\]]{1,64}@[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u;
const NAMED = /^([^"<>\\]*)<([^<>]*)>$/;
export const PLACEHOLDER = /\{\{\s*([A-Za-z_]\w{0,63})\s*\}\}/g;

/** A name and an address, as they go into a header. */
export interface Mailbox {
  name: string;
  address: string;
}

/** @returns undefined if it is none, or has what could begin another header or another recipient */
export function readMailbox(text: string): Mailbox | undefined {
  if (CONTROLS.test(text)) return undefined;
  const [, name = "", inner = text] = NAMED.exec(text) ?? [];
  const address = inner.trim();
  if (address.length > MAX_ADDRESS || name.length > MAX_ADDRESS || !ADDRESS.test(address)) return undefined;
  return { name: name.trim(), address };
}

const mailbox = v.pipe(
  v.string(),
  v.check(
    (text) => readMailbox(text) !== undefined,
    ({ input }) => mustBe(`an address, or a name and <an address>, on one line`, input),
  ),
);

const line = (limit: number) =>
  v.pipe(
    v.string(),
    v.maxLength(limit, ({ received }) => `must have at most ${limit} characters, got ${received}`),
    v.check((text) => !CONTROLS.test(text), "must have no line break and no other control character"),
  );

const value = v.union([line(MAX_VALUE), v.pipe(v.number(), v.finite())]);

const variables = v.pipe(
  v.looseObject({}),
  v.maxEntries(
    MAX_VARIABLES,
    ({ received }) => `must have at most ${MAX_VARIABLES} entries, got ${received}`,
  ),
  v.record(v.string(), value),
);

const recipient = v.union([mailbox, onlyFields({ to: mailbox, variables: v.optional(variables, {}) })]);

/** The `task_data` of an `email_batch`. */
export const emailBatchData = v.pipe(
  onlyFields({
    /** `shop@example.com`, or `The shop <shop@example.com>`. */
    from: mailbox,
    reply_to: v.optional(mailbox),
    /** May have `{{name}}`, like the texts: a variable of the recipient. */
    subject: line(MAX_SUBJECT),
    /** At least one of the two. Variables in `html` are escaped. */
    text: v.optional(v.string()),
    html: v.optional(v.string()),
    /** 1 to 500, each address once; with `{ to, variables }` where there are variables. */
    recipients: v.pipe(
      v.array(v.unknown()),
      v.check(
        (given) => given.length >= 1 && given.length <= MAX_RECIPIENTS,
        ({ input }) => `must have 1 to ${MAX_RECIPIENTS} entries, got ${input.length}`,
      ),
      v.array(recipient),
    ),
    /** What becomes of a recipient when a worker died at a moment that leaves it unknown whether the mail was sent. */
    when_unknown: v.optional(v.picklist(["leave", "resend"]), "leave"),
  }),
  v.check(
    ({ text, html }) => text !== undefined || html !== undefined,
    "must have text, html or both, got neither",
  ),
  v.forward(
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? recipientsIssue(dataset.value) : undefined;
      if (message) addIssue({ message });
    }),
    ["recipients"],
  ),
);

export type EmailBatchData = v.InferOutput<typeof emailBatchData>;

/** One recipient with the variables that the texts may use. */
export interface Recipient extends Mailbox {
  variables: Readonly<Record<string, string | number>>;
}

/** Of data that is valid. */
export function recipientsOf({ recipients }: Pick<EmailBatchData, "recipients">): Recipient[] {
  return recipients.flatMap((one) => {
    const { to, variables } = typeof one === "string" ? { to: one, variables: {} } : one;
    const read = readMailbox(to);
    return read ? [{ ...read, variables }] : [];
  });
}

/** How a recipient is told from others: nobody gets a mail twice because of a capital. */
export const addressKey = (address: string): string => address.toLowerCase();

function recipientsIssue({ subject, text = "", html = "", recipients }: EmailBatchData): string | undefined {
  const used = new Set([...`${subject}${text}${html}`.matchAll(PLACEHOLDER)].map(([, name = ""]) => name));
  const seen = new Set<string>();
  for (const { address, variables } of recipientsOf({ recipients })) {
    const key = addressKey(address);
    if (seen.has(key)) return `must have each address once, got ${quote(address)} twice`;
    seen.add(key);
    const lacking = [...used].find((name) => !Object.hasOwn(variables, name));
    if (lacking !== undefined) return `must have the variable ${quote(lacking)} for ${quote(address)}`;
  }
  return undefined;
}
