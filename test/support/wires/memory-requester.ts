import { type MemoryRedis, RedisError, type RedisReply } from "#memory-redis";

/** What `@upstash/redis` hands to a middleware, as far as it matters here. */
export interface RestRequest {
  /** Absent for one command; `["pipeline"]` or `["multi-exec"]` for several. */
  readonly path?: string[];
  /** A command as an array, or an array of them. */
  readonly body?: unknown;
}

/** The answer to one command, in the JSON of Upstash's REST API. */
export interface RestResponse {
  readonly result?: unknown;
  readonly error?: string;
}

/**
 * Answers what `@upstash/redis` would send over HTTP, from a Redis in this process.
 *
 * The answer to a pipeline or a transaction is an array of responses. The client's types call that an
 * `UpstashResponse` too, and so does this function, to fit where the client wants it. A transaction with a
 * command that does not exist runs nothing and answers a single `{error}`.
 *
 * @example redis.use((request) => requester(request))
 */
export function createMemoryRequester(redis: MemoryRedis): (request: RestRequest) => Promise<RestResponse> {
  return async ({ path = [], body }) => {
    const kind = path.join("/");
    if (kind === "") return respond(redis, body);
    if (kind !== "pipeline" && kind !== "multi-exec") return { error: `ERR no such path '/${kind}'` };
    if (!Array.isArray(body)) return { error: "ERR the body must be an array of commands" };

    if (kind === "multi-exec" && !body.every((command) => isAccepted(redis, command))) {
      return { error: "EXECABORT Transaction discarded because of previous errors." };
    }
    const responses = body.map((command) => respond(redis, command));
    return responses as RestResponse;
  };
}

function respond(redis: MemoryRedis, command: unknown): RestResponse {
  try {
    return { result: toJson(redis.call(toArguments(command))) };
  } catch (error) {
    if (error instanceof RedisError) return { error: error.message };
    throw error;
  }
}

function isAccepted(redis: MemoryRedis, command: unknown): boolean {
  try {
    return redis.accepts(toArguments(command));
  } catch (error) {
    if (error instanceof RedisError) return false;
    throw error;
  }
}

/** The client leaves numbers and booleans as they are; in Redis every argument is a string. */
function toArguments(command: unknown): string[] {
  if (!Array.isArray(command) || command.length === 0) {
    throw new RedisError("ERR a command must be an array with at least its name");
  }
  return command.map((argument: unknown, position) => {
    if (["string", "number", "boolean"].includes(typeof argument)) return String(argument);
    throw new RedisError(
      `ERR argument ${position} is ${JSON.stringify(argument)}; it must be a string, number or boolean`,
    );
  });
}

const toJson = (reply: RedisReply): unknown => {
  if (reply instanceof RedisError) return reply.message;
  return Array.isArray(reply) ? reply.map(toJson) : reply;
};
