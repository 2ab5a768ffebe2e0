import { expect, test } from "vitest";
import { DEFAULTS, readConfig } from "../../packages/core/config.ts";

const refusal = (env: Record<string, string>) => {
  try {
    readConfig(env);
  } catch (error) {
    return (error as Error).message;
  }
  return "accepted";
};

test("without an environment the defaults hold", () => {
  expect(readConfig({})).toMatchObject(DEFAULTS);
  expect(readConfig({ TASK_CONCURRENCY: "  ", CACHE_ENABLED: "" })).toMatchObject(DEFAULTS);
});

test("the example of Baasix's TasksService is read unchanged", () => {
  const config = readConfig({
    CACHE_REDIS_URL: "redis://localhost:6379",
    CACHE_ENABLED: "true",
    TASK_LIST_REFRESH_INTERVAL: "1800",
    TASK_SHUTDOWN_WAIT_TIME: "60",
  });
  expect(config).toMatchObject({
    redisUrl: "redis://localhost:6379",
    cacheEnabled: true,
    refreshIntervalSeconds: 1800,
    shutdownWaitSeconds: 60,
  });
});

test("a refresh interval of more than three hours becomes three hours, with a warning", () => {
  const warnings: string[] = [];
  const config = readConfig(
    { TASK_LIST_REFRESH_INTERVAL: "14400" },
    { warn: (message) => warnings.push(message) },
  );
  expect(config.refreshIntervalSeconds).toBe(10_800);
  expect(warnings).toEqual([expect.stringMatching(/TASK_LIST_REFRESH_INTERVAL is 14400 and becomes 10800/)]);
  expect(
    readConfig({ TASK_LIST_REFRESH_INTERVAL: "10800" }, { warn: (message) => warnings.push(message) })
      .refreshIntervalSeconds,
  ).toBe(10_800);
  expect(warnings).toHaveLength(1);
  expect(readConfig({ TASK_LIST_REFRESH_INTERVAL: "14400" }).refreshIntervalSeconds).toBe(10_800);
});

test.each([
  [{}, 600],
  [{ TASK_LIST_REFRESH_INTERVAL: "14400" }, 10_800],
  [{ TASK_MAX_UNSEEN_TIME: "60" }, 600],
  [{ TASK_MAX_UNSEEN_TIME: "3600" }, 3_600],
])("with %o, what others write may stay unseen for %i s", (env, seconds) => {
  expect(readConfig(env as Record<string, string>).maxUnseenSeconds).toBe(seconds);
});

test.each([
  ["true", true],
  ["TRUE", true],
  ["1", true],
  ["false", false],
  [" False ", false],
  ["0", false],
])("a switch that is %s is %s", (value, on) => {
  const { cacheEnabled, debugging } = readConfig({ CACHE_ENABLED: value, DEBUGGING: value });
  expect({ cacheEnabled, debugging }).toEqual({ cacheEnabled: on, debugging: on });
});

test("a number may be as small or as large as its message says", () => {
  expect(readConfig({ TASK_CONCURRENCY: "1" }).concurrency).toBe(1);
  expect(readConfig({ TASK_CONCURRENCY: "1000" }).concurrency).toBe(1000);
});

test("keys and tokens are read as they are, without the blanks around them", () => {
  const config = readConfig({ API_KEY: " k3y-!~ ", CACHE_REDIS_TOKEN: "AX3=" });
  expect(config).toMatchObject({ apiKey: "k3y-!~", redisToken: "AX3=" });
});

test("HTTP_REQUEST_ALLOW is a list with commas; blanks and empty entries do not count", () => {
  expect(readConfig({ HTTP_REQUEST_ALLOW: " 10.0.0.0/8 , localhost:3000,, " }).httpRequestAllow).toEqual([
    "10.0.0.0/8",
    "localhost:3000",
  ]);
});

test("WEBHOOK_SECRETS are checked, and never repeated", () => {
  const [short, one, other] = [23, 24, 64].map(
    (bytes) => `whsec_${Buffer.alloc(bytes, 7).toString("base64")}`,
  );
  expect(readConfig({ WEBHOOK_SECRETS: ` ${one} , ${other}` }).webhookSecrets).toEqual([one, other]);
  expect(readConfig({}).webhookSecrets).toEqual([]);
  for (const bad of [short, one?.slice(6), `${one},x`, "whsec_", `${one} ${other}`])
    expect(() => readConfig({ WEBHOOK_SECRETS: bad })).toThrow(
      /^WEBHOOK_SECRETS must be whsec_ and 24 to 64 bytes in base64, .*; got something else\.$/,
    );
});

test.each([
  [{ TASK_CONCURRENCY: "zero" }, 'TASK_CONCURRENCY must be a whole number from 1 to 1000, got "zero".'],
  [{ TASK_CONCURRENCY: "0" }, 'TASK_CONCURRENCY must be a whole number from 1 to 1000, got "0".'],
  [{ TASK_RUNNING_TTL: "1.5" }, 'TASK_RUNNING_TTL must be a whole number from 2 to 86400, got "1.5".'],
  [
    { TASK_SHUTDOWN_WAIT_TIME: "30s" },
    'TASK_SHUTDOWN_WAIT_TIME must be a whole number from 0 to 86400, got "30s".',
  ],
  [{ TASK_CACHE_LIMIT: "1e3" }, 'TASK_CACHE_LIMIT must be a whole number from 1 to 100000, got "1e3".'],
  [
    { TASK_LIST_REFRESH_INTERVAL: "-5" },
    'TASK_LIST_REFRESH_INTERVAL must be a whole number from 1, got "-5".',
  ],
  [
    { TASK_MAX_UNSEEN_TIME: "14401" },
    'TASK_MAX_UNSEEN_TIME must be a whole number from 1 to 14400, got "14401".',
  ],
  [{ CACHE_ENABLED: "maybe" }, 'CACHE_ENABLED must be true or false, got "maybe".'],
  [{ PORT: "70000" }, 'PORT must be a whole number from 0 to 65535, got "70000".'],
  [
    { DATABASE_URL: "mysql://root:secret@db/x" },
    "DATABASE_URL must be an address that begins with postgres:// or postgresql://, got mysql://.",
  ],
  [
    { DATABASE_URL: "psql postgresql://app@db/shop" },
    "DATABASE_URL must be an address that begins with postgres:// or postgresql://, got no address.",
  ],
  [
    { CACHE_REDIS_URL: "localhost" },
    "CACHE_REDIS_URL must be an address that begins with https:// or http:// or redis:// or rediss://, got no address.",
  ],
  [
    { CACHE_REDIS_TOKEN: "two words" },
    "CACHE_REDIS_TOKEN must be letters, digits and signs of ASCII, without blanks, got something else.",
  ],
  [
    { API_KEY: "clé" },
    "API_KEY must be letters, digits and signs of ASCII, without blanks, got something else.",
  ],
])("%o stops the start with one line", (env, message) => {
  expect(refusal(env as unknown as Record<string, string>)).toBe(message);
});

test.each(["/", "?", "#", "%", "12/"])(
  "a password with %s that is not encoded is told, and not repeated",
  (sign) => {
    const message = refusal({ DATABASE_URL: `postgres://app:${sign}secret@db/shop` });
    expect(message).toMatch(
      /^DATABASE_URL must be an address like postgres:.*, got one that cannot be read; .*each of/,
    );
    expect(message).not.toContain("secret");
  },
);

test("a refusal never repeats a password", () => {
  expect(refusal({ DATABASE_URL: "mysql://root:secret@db/x" })).not.toContain("secret");
});

test("origins are as browsers write them", () => {
  expect(readConfig({ API_ORIGINS: " https://a.example ,http://localhost:5173, " }).apiOrigins).toEqual([
    "https://a.example",
    "http://localhost:5173",
  ]);
  for (const wrong of [
    "*",
    "null",
    "a.example",
    "https://a.example/",
    "https://A.example",
    "https://a.example:443",
    "ftp://a.example",
  ])
    expect(refusal({ API_ORIGINS: `https://b.example,${wrong}` }), wrong).toBe(
      `API_ORIGINS must be origins such as https://app.example.com, separated by commas, got "${wrong}".`,
    );
});

test("limits of requests need Redis", () => {
  expect(readConfig({ API_LIMIT_PER_KEY: "60" })).toMatchObject({
    apiLimitPerKey: 60,
    apiLimitFailure: "open",
  });
  expect(refusal({ API_LIMIT_PER_ADDRESS: "60", CACHE_ENABLED: "false" })).toMatch(
    /^CACHE_ENABLED must be true/,
  );
  expect(refusal({ API_LIMIT_PER_KEY: "60001" })).toMatch(
    /^API_LIMIT_PER_KEY must be a whole number from 1 to 60000/,
  );
  expect(refusal({ API_LIMIT_FAILURE: "no" })).toBe('API_LIMIT_FAILURE must be open or closed, got "no".');
});
