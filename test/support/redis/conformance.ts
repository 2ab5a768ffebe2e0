import { createHash, randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { memoryServer, realServer, type Server } from "./servers.ts";

/** An error reply, by its text. */
export class ErrorReply {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export const error = (text: string) => new ErrorReply(text);

export const WRONG_TYPE = error("WRONGTYPE Operation against a key holding the wrong kind of value");
export const SYNTAX_ERROR = error("ERR syntax error");
export const NOT_AN_INTEGER = error("ERR value is not an integer or out of range");
export const NOT_A_FLOAT = error("ERR value is not a valid float");
export const wrongArguments = (command: string) =>
  error(`ERR wrong number of arguments for '${command}' command`);

/** A command, and the reply it must get from every server. */
export type Step = readonly [command: string | readonly string[], reply: unknown];

const real = await realServer();
const memory = memoryServer();

/** The servers under test: the memory one, and the real one where there is one. */
export const servers: readonly { readonly name: string; readonly server: Server | undefined }[] = [
  { name: "memory", server: memory },
  { name: "Redis 7.0", server: real },
];

/**
 * Runs the steps, in order, on every server. In a command, blanks separate arguments, single quotes hold
 * one together, and an argument that begins with a colon is a key of this test alone.
 */
export function conforms(name: string, steps: readonly Step[]): void {
  describe.each(servers)("$name", ({ server }) => {
    const keys = ownKeys(server);

    test.skipIf(server === undefined)(name, async () => {
      for (const [command, reply] of steps) {
        expect({ command, reply: await keys.call(command) }).toEqual({ command, reply });
      }
    });
  });
}

/** Calls a server with keys under a random prefix, and removes them after each test. */
export function ownKeys(server: Server | undefined) {
  let prefix = newPrefix();

  const run = async (argv: readonly string[]) => {
    if (server === undefined) throw new Error("there is no server; skip this test");
    return server.call(argv.map((argument) => argument.replace(/^:/, prefix)));
  };

  const strip = (reply: unknown): unknown => {
    if (reply instanceof Error) return error(withoutVariables(reply.message));
    if (Array.isArray(reply)) return reply.map(strip);
    return typeof reply === "string" && reply.startsWith(prefix) ? reply.replace(prefix, ":") : reply;
  };

  async function call(command: string | readonly string[]): Promise<unknown> {
    return strip(await run(typeof command === "string" ? splitCommand(command) : command).catch(expectError));
  }

  async function removeAll(): Promise<void> {
    const keys = (await run(["KEYS", `${prefix}*`])) as string[];
    if (keys.length > 0) await run(["DEL", ...keys]);
    prefix = newPrefix();
  }

  afterEach(async () => {
    if (server !== undefined) await removeAll();
  });
  return { call, removeAll };
}

/** Redis says which variable of a script was nil; the memory one says only that something was, and in which line. */
const withoutVariables = (message: string): string =>
  message.replace(/(?:local|upvalue|field|global) '.*?' \((a \w+ value)\)/s, "$1");

const newPrefix = () => `test:${randomUUID()}:`;

/** An error reply is a reply; a lost connection or a bug is not. */
function expectError(reason: unknown): unknown {
  if (reason instanceof Error && ["ReplyError", "RedisError"].includes(reason.name)) return reason;
  throw reason;
}

const splitCommand = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");

/** The error of a script that raises `text` in this line. */
export function raises(script: string, text: string, line = 1): ErrorReply {
  const sha = createHash("sha1").update(script).digest("hex");
  return error(`${text} script: ${sha}, on @user_script:${line}.`);
}
