/** A start that cannot succeed says why in one line, and ends; a signal ends a start at once. */
import { execFileSync } from "node:child_process";
import { readdirSync, truncateSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { START_CONNECT_LIMIT_MS } from "../../packages/core/limits.ts";
import { type LockedServers, openLockedServers } from "../support/bed/locked-servers.ts";
import { killAll, preparedFolder, spawnServer } from "../support/bed/process.ts";
import { temporaryFolder } from "../support/bed/template.ts";
import { findBinaries } from "../support/chaos/binaries.ts";
import { eventually } from "../support/eventually.ts";

afterAll(killAll);

/** Accepts connections and says nothing. */
let silent: Server;
let silentPort: number;
beforeAll(async () => {
  silent = createServer((socket) => void socket.on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  silentPort = (silent.address() as AddressInfo).port;
});
afterAll(() => void silent.close());

const PASSWORD = "do-not-print-me";
const RIGHT_PASSWORD = "open-sesame";
const address = (place: string) => `postgres://app:${PASSWORD}@${place}`;

/** Starts it, and returns the one line that it says before it ends with 1. */
async function refusalOf(env: Record<string, string>, under?: readonly string[]): Promise<string> {
  const { ended, output, errors } = spawnServer({ DATA_DIR: preparedFolder(), ...env }, under);
  expect(await ended, output()).toBe(1);
  expect(output()).toBe(errors());
  expect(errors().trimEnd().split("\n"), errors()).toHaveLength(1);
  expect(errors()).not.toContain(PASSWORD);
  return errors().trimEnd();
}

/** Whether a command can be run here. */
const permitted = (command: string, ...args: string[]) => {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

describe.concurrent("a start ends with one line that names the variable, what is there and what to do:", () => {
  test("a Postgres that says nothing, within the limit for connections", async () => {
    const beganMs = Date.now();
    expect(await refusalOf({ DATABASE_URL: address(`127.0.0.1:${silentPort}/shop`) })).toMatch(
      /^DATABASE_URL leads to 127\.0\.0\.1:\d+\/shop as app, and there: .*; correct host, port, /,
    );
    // More than the limit: the rest is this machine's, which starts several at a time.
    expect(Date.now() - beganMs).toBeLessThan(4 * START_CONNECT_LIMIT_MS);
  }, 60_000);

  test("a Redis that says nothing", async () => {
    const url = `redis://:${PASSWORD}@127.0.0.1:${silentPort}`;
    expect(await refusalOf({ CACHE_REDIS_URL: url })).toMatch(
      /^CACHE_REDIS_URL leads to 127\.0\.0\.1:\d+, and there: .*; correct scheme .*CACHE_ENABLED=false/,
    );
  });

  test.each<[string, Record<string, string>, RegExp]>([
    [
      "no such host",
      { DATABASE_URL: address("nowhere.invalid/shop") },
      /^DATABASE_URL leads to nowhere\.invalid\/shop as app, and there: .*nowhere\.invalid; correct the host(, or see whether this machine has a network)?\.$/,
    ],
    [
      "a port where nothing listens",
      { DATABASE_URL: address("127.0.0.1:1/shop") },
      /^DATABASE_URL leads to 127\.0\.0\.1:1\/shop .*ECONNREFUSED.*; correct host and port, or start/,
    ],
    [
      "no such host of Redis",
      { CACHE_REDIS_URL: `redis://:${PASSWORD}@nowhere.invalid` },
      /^CACHE_REDIS_URL leads to nowhere\.invalid, and there: .*; correct the host, .*or set CACHE_ENABLED=false/,
    ],
    [
      "Upstash without a token",
      { CACHE_REDIS_URL: "https://nowhere.invalid" },
      /^CACHE_REDIS_TOKEN must be the REST token of CACHE_REDIS_URL, got nothing\.$/,
    ],
    [
      "Upstash at a wrong address",
      { CACHE_REDIS_URL: "https://nowhere.invalid", CACHE_REDIS_TOKEN: PASSWORD },
      /^CACHE_REDIS_URL leads to nowhere\.invalid, and there: .*; correct the host/,
    ],
    [
      "a host where others reach it, without a key of one's own",
      { HOST: "0.0.0.0" },
      /^HOST is 0\.0\.0\.0, where others can reach this server; set API_KEY to a key of your own, or HOST to 127\.0\.0\.1\.$/,
    ],
    [
      "the same in IPv6",
      { HOST: "::", API_KEY: " " },
      /^HOST is ::, where others can reach this server; set API_KEY/,
    ],
    [
      "a host that is not this machine",
      { HOST: "203.0.113.7", API_KEY: "own" },
      /^HOST is 203\.0\.113\.7, which is no address of this machine .*; set 127\.0\.0\.1/,
    ],
  ])("%s", async (_, env, message) => expect(await refusalOf(env)).toMatch(message));

  test.each<[string, () => string, RegExp]>([
    ["a file in place of the folder", () => fileIn(temporaryFolder()), /\(EEXIST: .*; set it to a folder/],
    ["a folder in a file", () => join(fileIn(temporaryFolder()), "data"), /\(.*; set it to a folder/],
    ["a place where nothing can be made", () => "/proc/tickwork/data", /\(.*; set it to a folder/],
  ])("DATA_DIR is %s", async (_, folder, message) => {
    const dataDir = folder();
    const refusal = await refusalOf({ DATA_DIR: dataDir });
    expect(refusal).toContain(`DATA_DIR is ${dataDir}, which cannot be used `);
    expect(refusal).toMatch(message);
  });

  test.each<[string, (folder: string) => void, RegExp]>([
    [
      "an empty file for the key",
      (folder) => writeFileSync(join(folder, "api-key"), "\n"),
      /^The API key in .*api-key must be .*, got an empty file; delete the file .* or set API_KEY\.$/,
    ],
    [
      "a key with a blank",
      (folder) => writeFileSync(join(folder, "api-key"), `${PASSWORD} ${PASSWORD}`),
      /^The API key in .*api-key must be .*, got something else; delete the file/,
    ],
    [
      "a database that is damaged",
      (folder) => truncateSync(join(folder, "postgres/global/pg_control"), 0),
      /^The embedded Postgres in .*postgres cannot be used: .* damaged .* move it away to start with an empty database\.$/,
    ],
    [
      "a database of another version",
      (folder) => writeFileSync(join(folder, "postgres/PG_VERSION"), "9\n"),
      /^The embedded Postgres in .*postgres cannot be used/,
    ],
  ])("DATA_DIR has %s", async (_, spoil, message) => {
    const folder = preparedFolder();
    spoil(folder);
    expect(await refusalOf({ DATA_DIR: folder })).toMatch(message);
  });

  const mayMount = permitted("unshare", "-rm", "true");
  test.skipIf(!mayMount)("the disk is full at the first start, and nothing of it stays", async () => {
    const folder = temporaryFolder();
    const mounted = `mount -t tmpfs -o size=3m none "${folder}" && "$@"; code=$?; ls "${folder}" >&2; exit $code`;
    const { ended, errors } = spawnServer({ DATA_DIR: folder }, [
      "unshare",
      "-rm",
      "sh",
      "-c",
      mounted,
      "sh",
    ]);
    expect(await ended).toBe(1);
    const [message, ...left] = errors().trimEnd().split("\n");
    expect(message).toMatch(/^DATA_DIR is .* \(ENOSPC\); set it to a folder .*, on a disk with room\.$/);
    expect(left).not.toContainEqual(expect.stringContaining("postgres"));
  });

  const unprivileged = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"];
  const mayLower = permitted(unprivileged[0] ?? "", ...unprivileged.slice(1), "true");
  test.skipIf(!mayLower)("a port that only a privileged user may listen at", async () => {
    expect(await refusalOf({ PORT: "80" }, unprivileged)).toBe(
      "PORT is 80, where this user may not listen; set one above 1023, or 0 for any that is free.",
    );
  });
});

const binaries = findBinaries();
describe.skipIf(typeof binaries === "string")(
  "on servers that do not let everybody in, a start ends with one line:",
  () => {
    let servers: LockedServers;
    beforeAll(async () => {
      servers = await openLockedServers(binaries as Exclude<typeof binaries, string>, RIGHT_PASSWORD);
    });
    afterAll(() => servers?.close());

    describe.concurrent("about Postgres, when", () => {
      test.each<[string, string, RegExp]>([
        [
          "the password is wrong",
          `member:${PASSWORD}@/postgres`,
          /password authentication failed .*; correct user or password\.$/,
        ],
        [
          "there is no such role",
          `nobody:${PASSWORD}@/postgres`,
          /role "nobody" does not exist; correct the user /,
        ],
        [
          "there is no such database",
          `guest:${PASSWORD}@/missing`,
          /database "missing" does not exist; create the database/,
        ],
        [
          "the role may not create tables",
          `guest@/postgres`,
          /permission denied for schema public; give the user the rights/,
        ],
        [
          "the role may not write",
          "clerk@/shop",
          /no right to insert, update, delete in "baasix_Tasks"; give the user the rights/,
        ],
        ["nothing may be written", "archivist@/shop", /it can only be read; use the address of the primary/],
        [
          "the server insists on TLS",
          `stranger@/postgres`,
          /pg_hba\.conf rejects .*; .* add \?sslmode=require\.$/,
        ],
        [
          "nobody trusts its certificate",
          `stranger@/postgres?sslmode=require`,
          /self-signed certificate; name its authority/,
        ],
      ])("%s", async (_, place, message) => {
        const url = `postgres://${place.replace("@", `@${servers.postgres}`)}`;
        const refusal = await refusalOf({ DATABASE_URL: url });
        expect(refusal).toMatch(/^DATABASE_URL leads to 127\.0\.0\.1:\d+\/\w+ as \w+, and there: /);
        expect(refusal).toMatch(message);
      });

      test("it has no TLS", async () => {
        expect(
          await refusalOf({ DATABASE_URL: `postgres://app@${servers.redis}/shop?sslmode=require` }),
        ).toMatch(
          /^DATABASE_URL leads to 127\.0\.0\.1:\d+\/shop as app, and there: .*; correct host, .* or sslmode\.$/,
        );
      });
    });

    describe.concurrent("about Redis, when", () => {
      test.each<[string, string, RegExp]>([
        ["the password is wrong", `redis://:${PASSWORD}@`, /WRONGPASS .*; correct user and password/],
        ["it wants a password", "redis://", /NOAUTH .*; add the password: redis:\/\/:password@host:port/],
        [
          "the user may only read",
          `redis://reader:${RIGHT_PASSWORD}@`,
          /NOPERM .*; give the user the rights to run scripts/,
        ],
        [
          "it has no such database",
          `redis://:${RIGHT_PASSWORD}@`,
          /DB index is out of range; correct scheme/,
        ],
        ["it has no TLS", `rediss://:${PASSWORD}@`, /; correct scheme \(rediss:\/\/ has TLS\)/],
        ["it is no Upstash", "http://", /; correct scheme/],
      ])("%s", async (what, beginning, message) => {
        const refusal = await refusalOf({
          CACHE_REDIS_URL: `${beginning}${servers.redis}${what === "it has no such database" ? "/99" : ""}`,
          CACHE_REDIS_TOKEN: PASSWORD,
        });
        expect(refusal).toMatch(/^CACHE_REDIS_URL leads to 127\.0\.0\.1:/);
        expect(refusal).toMatch(message);
        expect(refusal).toMatch(/, or set CACHE_ENABLED=false to use Postgres alone\.$/);
      });
    });
  },
);

describe.concurrent("a signal ends a start at once:", () => {
  test("SIGINT, while the first database is made; nothing of it goes on, and the next start is not held up", async () => {
    const folder = temporaryFolder();
    const { child, ended, output } = spawnServer({ DATA_DIR: folder });
    const begun = () => readdirSync(folder).some((name) => name.startsWith("postgres.new."));
    await eventually(begun);
    child.kill("SIGINT");
    expect(await ended).toBe(128 + 2);
    expect(output()).toBe("");
    expect(readdirSync(folder)).not.toContain("postgres");
    const next = spawnServer({ DATA_DIR: folder });
    await next.printed(/API key/);
    expect(readdirSync(folder).filter((name) => name.startsWith("postgres"))).toEqual(["postgres"]);
    next.child.kill("SIGKILL");
  });

  test("SIGTERM, while Postgres says nothing", async () => {
    const beganMs = Date.now();
    const connected = new Promise((resolve) => silent.once("connection", resolve));
    const { child, ended, output } = spawnServer({
      DATABASE_URL: address(`127.0.0.1:${silentPort}/shop`),
      DATA_DIR: temporaryFolder(),
    });
    await connected;
    child.kill("SIGTERM");
    expect(await ended).toBe(128 + 15);
    expect(output()).toBe("");
    expect(Date.now() - beganMs).toBeLessThan(START_CONNECT_LIMIT_MS);
  });
});

const fileIn = (folder: string) => {
  const path = join(folder, "file");
  writeFileSync(path, "");
  return path;
};
