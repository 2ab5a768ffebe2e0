import { RedisError } from "./reply.ts";

/** The error replies more than one command gives, with Redis 7's texts. */
export const wrongType = () =>
  new RedisError("WRONGTYPE Operation against a key holding the wrong kind of value");

export const syntaxError = () => new RedisError("ERR syntax error");

export const notAnInteger = () => new RedisError("ERR value is not an integer or out of range");

export const notAFloat = () => new RedisError("ERR value is not a valid float");

export const overflow = () => new RedisError("ERR increment or decrement would overflow");

export const invalidExpireTime = (command: string) =>
  new RedisError(`ERR invalid expire time in '${command}' command`);

export const wrongNumberOfArguments = (command: string) =>
  new RedisError(`ERR wrong number of arguments for '${command}' command`);
