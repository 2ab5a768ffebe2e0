import { expect, test } from "vitest";
import { createMemoryRedis } from "../../packages/memory-redis/index.ts";

const LIMIT_MS = 1;
const WARM_UP = 1000;
const BATCHES = 10;
const RUNS_PER_BATCH = 200;

/** Thirty lines and eleven calls: a claim as this product might write it. */
const SCRIPT = `
local ready, flag, lease = KEYS[1], KEYS[2], KEYS[3]
local now = tonumber(ARGV[1])
local token = ARGV[2]
local ttl = tonumber(ARGV[3])
redis.call('SET', lease, token, 'PX', ttl)
redis.call('HSET', flag, 'owner', token, 'at', now, 'count', 3)
for i = 1, 3 do
  redis.call('ZADD', ready, now + i, 'task:' .. i)
end
local due = redis.call('ZRANGEBYSCORE', ready, '-inf', now + 2, 'LIMIT', 0, 2)
local taken = {}
for _, member in ipairs(due) do
  if redis.call('ZREM', ready, member) == 1 then
    taken[#taken + 1] = member
  end
end
local owner = redis.call('HGET', flag, 'owner')
if owner ~= token then
  return {err = 'LOST the lease is not ours'}
end
local left = redis.call('ZCARD', ready)
redis.call('PEXPIRE', lease, ttl)
local result = { owner, #taken, left }
for _, member in ipairs(taken) do
  result[#result + 1] = member
end
return result`;

test(`a script of thirty lines takes less than ${LIMIT_MS} ms`, () => {
  const redis = createMemoryRedis();
  const argv = ["EVAL", SCRIPT, "3", "ready", "flag", "lease", "1700000000000", "token", "5000"];
  const run = (times: number) => {
    const start = performance.now();
    for (let time = 0; time < times; time++) redis.call(argv);
    return (performance.now() - start) / times;
  };

  expect(redis.call(argv)).toEqual(["token", 2, 1, "task:1", "task:2"]);
  run(WARM_UP);
  // The best of several batches: what else the machine does can only make a batch slower.
  const bestMs = Math.min(...Array.from({ length: BATCHES }, () => run(RUNS_PER_BATCH)));
  console.info(`test/redis: ${bestMs.toFixed(3)} ms a script of thirty lines`);
  expect(bestMs).toBeLessThan(LIMIT_MS);
});
