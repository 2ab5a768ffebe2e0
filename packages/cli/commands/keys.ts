import { type Command, Option } from "commander";
import type { Client, Scope } from "#client";
import { SCOPES } from "../../core/api-key.ts";
import { UsageError } from "../failure.ts";
import { keyLines, keyMade } from "../format.ts";
import { example } from "../help.ts";
import { createOutput, type Output } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { duration } from "../values.ts";

interface Flags extends ServerFlags {
  scope?: Scope[];
  expires?: number;
  json?: boolean;
}

const ACTIONS = ["list", "create", "delete"] as const;

export function addKeys(program: Command): void {
  const command = program
    .command("keys")
    .description("list the API keys, make one, or withdraw one")
    .addArgument(program.createArgument("[action]", "what to do").choices(ACTIONS).default("list"))
    .argument("[name-or-id]", "the name of a new key, or the id of the one to withdraw")
    .addOption(
      new Option(
        "--scope <scope...>",
        "what a new key may do; several are given one after the other",
      ).choices(SCOPES),
    )
    .addOption(
      new Option("--expires <time>", "when a new key ends, such as 90d (default: never)").argParser(duration),
    )
    .action(
      async (action: (typeof ACTIONS)[number], subject: string | undefined, _: unknown, self: Command) =>
        keys(action, subject, self.optsWithGlobals()),
    );
  withServerOptions(command);
  example(
    command,
    "npx tickwork keys",
    "npx tickwork keys create shop --scope read write --expires 90d",
    "npx tickwork keys delete 3",
  );
}

async function keys(
  action: (typeof ACTIONS)[number],
  subject: string | undefined,
  flags: Flags,
): Promise<void> {
  const output = createOutput({ json: flags.json ?? false });
  const work = { list, create, delete: withdraw }[action];
  await work(subject, flags, output);
}

type Work = (subject: string | undefined, flags: Flags, output: Output) => Promise<void>;

const list: Work = async (subject, flags, output) => {
  if (subject !== undefined) throw new UsageError(`keys list takes no name, got ${subject}.`);
  const found = await withClient(flags, (client) => client.keys());
  output.result(found, () => keyLines(found, Date.now()));
};

const create: Work = async (name, flags, output) => {
  const { scope: scopes, expires } = flags;
  if (name === undefined || scopes === undefined)
    throw new UsageError("keys create takes a name and --scope, as in: keys create shop --scope read write.");
  const expires_at = expires === undefined ? null : new Date(Date.now() + expires).toISOString();
  const made = await withClient(flags, (client: Client) => client.createKey({ name, scopes, expires_at }));
  output.result(made, () => keyMade(made));
};

const withdraw: Work = async (given, flags, output) => {
  const id = /^[1-9]\d{0,15}$/.test(given ?? "") ? Number(given) : undefined;
  if (id === undefined)
    throw new UsageError(
      `keys delete takes the id of a key, as \`tickwork keys\` lists them, got ${given ?? "nothing"}.`,
    );
  await withClient(flags, (client) => client.deleteKey(id));
  output.result({ deleted: id }, () => `Key ${id} is withdrawn. It stops everywhere within a minute.`);
};
