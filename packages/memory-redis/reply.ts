/** A status reply (`+OK`). Lua tells it from a bulk string, so commands must too; callers see the text. */
export interface Status {
  readonly status: string;
}

/** What a command answers inside this room. Strings are bytes (see `bytes.ts`). */
export type Reply = string | number | null | Status | RedisError | Reply[];

/** What `MemoryRedis.call` answers. A `RedisError` appears only inside an array; at the top it is thrown. */
export type RedisReply = string | number | null | RedisError | RedisReply[];

/** An error reply. `message` is Redis's own text, for example `WRONGTYPE Operation against a key …`. */
export class RedisError extends Error {
  override readonly name = "RedisError";

  /** The first word of the message, which is how Redis names an error: `ERR`, `WRONGTYPE`, `NOSCRIPT`. */
  get code(): string {
    return this.message.split(" ", 1)[0] ?? "";
  }
}

export const OK: Status = { status: "OK" };

export const isStatus = (reply: Reply): reply is Status =>
  typeof reply === "object" && reply !== null && "status" in reply;

/** The errors that more than one command replies with. */
export const syntaxError = () => new RedisError("ERR syntax error");
export const wrongNumberOfArguments = (command: string) =>
  new RedisError(`ERR wrong number of arguments for '${command}' command`);
