/** Who may call what: keys and their scopes, sessions, and what is noted of them. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Api, createApp } from "#api";
import type { ApiKey, AuditEntry, MadeApiKey, Scope, Task } from "#core";
import { operations as described, type Operation } from "../../packages/api/operations/operations.ts";
import {
  KEY_USED_STEP_MS,
  KEYS_KNOWN_MS,
  KEYS_LIMIT,
  KEYS_LOOK_AGAIN_MS,
  SESSION_MS,
} from "../../packages/core/limits.ts";
import type { ErrorBody } from "../support/bed/api.ts";
import type { MadeTickwork } from "../support/bed/bed.ts";
import { describeOnStacks } from "../support/bed/describe-on-stacks.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { noting } from "../support/bed/tasks.ts";

const KEY = "the-key-of-the-environment";
const SCOPES: Scope[] = ["read", "write", "admin"];
const operations: Operation[] = Object.values(described);

describeOnStacks("access", (bed) => {
  let nowMs = Date.now();
  let tickwork: MadeTickwork;
  let app: Api;

  /** Another process of the same deployment. */
  const open = () => {
    tickwork = bed.make({ doorbell: noteRings(), definitions: [noting().definition] });
    return createApp({ ...tickwork, config: { apiKey: KEY }, clock: { now: () => nowMs } });
  };
  beforeEach(() => {
    nowMs = Date.now();
    app = open();
  });

  const call = async <Body = ErrorBody>(
    method: string,
    path: string,
    {
      key,
      body,
      headers = {},
      on = app,
    }: { key?: string; body?: unknown; headers?: Record<string, string>; on?: Api } = {},
  ) => {
    const response = await on.request(path, {
      method,
      headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text && JSON.parse(text)) as Body };
  };
  const make = async (scopes: Scope[], more: { name?: string; expires_at?: string } = {}) => {
    const { status, body } = await call<MadeApiKey>("POST", "/keys", {
      key: KEY,
      body: { name: "shop", scopes, ...more },
    });
    expect(status).toBe(201);
    return body;
  };
  const codeOf = async (method: string, path: string, options: Parameters<typeof call>[2]) =>
    (await call(method, path, options)).body.error?.code;

  test("a key is shown once, and kept as its hash", async () => {
    const made = await make(["read"], { name: "Größe 🗝" });
    expect(made.key).toMatch(/^tw_[\w-]{43}$/);
    const { body } = await call<{ keys: ApiKey[] }>("GET", "/keys", { key: KEY });
    const { key, ...listed } = made;
    expect(body.keys).toEqual([listed]);
    const kept = JSON.stringify(await bed.sql("select * from tickwork_keys, tickwork_audit"));
    expect(kept).not.toContain(key);
    expect((await call("GET", "/tasks", { key })).status).toBe(200);
    const keys = (await bed.redis("KEYS", `{${bed.prefix}}:*`)) as string[];
    for (const name of keys.filter((one) => one.includes("keys:")))
      expect(String(await bed.redis("GET", name))).not.toContain(key);
  });

  test.each(SCOPES)("a key for %s may do that, and nothing else of all that there is", async (scope) => {
    const { key } = await make([scope], { name: `only ${scope}` });
    expect(operations.filter((one) => one.scope === scope).length).toBeGreaterThan(3);
    for (const operation of operations.filter(({ open: isOpen }) => !isOpen)) {
      const { method, path } = operation;
      const address = path.replaceAll(/:\w+/g, "999");
      const { status, body } = await call(method.toUpperCase(), address, {
        key,
        body: method === "get" ? undefined : {},
      });
      const refused = operation.scope !== undefined && operation.scope !== scope;
      expect([status === 403, body.error?.code === "scope_missing"], `${method} ${path}`).toEqual([
        refused,
        refused,
      ]);
      if (refused)
        expect(body.error.message).toContain(`needs the scope "${operation.scope}"; the key "only ${scope}"`);
    }
  });

  test("without a key or with a wrong one, only what is open is there, and no database is asked", async () => {
    const wrong = [undefined, "wrong", `tw_${"x".repeat(43)}`, `${KEY}x`, KEY.slice(1)];
    await call("GET", "/keys", { key: wrong[2] as string });
    bed.counts.reset();
    for (const { method, path } of operations.filter(({ open: isOpen }) => !isOpen))
      for (const key of wrong) {
        const given = key === undefined ? {} : { key };
        const code = await codeOf(method.toUpperCase(), path.replaceAll(/:\w+/g, "1"), given);
        expect(code, `${method} ${path} ${key}`).toBe(key === undefined ? "key_missing" : "key_wrong");
      }
    expect(bed.counts).toMatchObject({ postgres: 0, redis: 0 });
  });

  test("several keys work at once, so that they change without a gap", async () => {
    const [old, next] = [await make(["write"]), await make(["write"])];
    for (const { key } of [old, next])
      expect((await call("POST", "/tasks", { key, body: { type: "note" } })).status).toBe(201);
    expect((await call("DELETE", `/keys/${old.id}`, { key: KEY })).status).toBe(204);
    expect(await codeOf("POST", "/tasks", { key: old.key, body: { type: "note" } })).toBe("key_wrong");
    expect((await call("POST", "/tasks", { key: next.key, body: { type: "note" } })).status).toBe(201);
    expect((await call("DELETE", `/keys/${old.id}`, { key: KEY })).status).toBe(404);
  });

  test("a key ends when it is to", async () => {
    const { key } = await make(["read"], { expires_at: new Date(nowMs + 60_000).toISOString() });
    expect((await call("GET", "/tasks", { key })).status).toBe(200);
    nowMs += 60_000;
    expect(await codeOf("GET", "/tasks", { key })).toBe("key_expired");
  });

  test.each([
    [{ scopes: ["read"] }, "name"],
    [{ name: "", scopes: ["read"] }, "name"],
    [{ name: "x".repeat(256), scopes: ["read"] }, "name"],
    [{ name: "a\0", scopes: ["read"] }, "name"],
    [{ name: "x", scopes: [] }, "scopes"],
    [{ name: "x", scopes: "read" }, "scopes"],
    [{ name: "x", scopes: ["read", "read"] }, "scopes"],
    [{ name: "x", scopes: ["everything"] }, "scopes.0"],
    [{ name: "x", scopes: ["read"], expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
    [{ name: "x", scopes: ["read"], expires_at: "tomorrow" }, "expires_at"],
    [{ name: "x", scopes: ["read"], key: "tw_mine" }, "key"],
  ])("no key is made of %j", async (body, path) => {
    const answer = await call("POST", "/keys", { key: KEY, body });
    expect(answer).toMatchObject({
      status: 422,
      body: { error: { code: "invalid_request", issues: [{ path }] } },
    });
    expect(await bed.sql("select from tickwork_keys")).toEqual([]);
  });

  test("there are not more keys than a process holds", async () => {
    await bed.sql(`insert into tickwork_keys (name, scopes, hash, created_at)
      select 'many', '{read}', 'hash ' || n, now() from generate_series(1, ${KEYS_LIMIT}) n`);
    expect(await codeOf("POST", "/keys", { key: KEY, body: { name: "x", scopes: ["read"] } })).toBe(
      "too_many_keys",
    );
  });

  describe("in other processes", () => {
    test("a key works within a second, and a withdrawn one for no more than a minute", async () => {
      const other = open();
      const first = await make(["read"]);
      expect((await call("GET", "/tasks", { key: first.key, on: other })).status).toBe(200);
      const second = await make(["read"]);
      nowMs += KEYS_LOOK_AGAIN_MS;
      expect((await call("GET", "/tasks", { key: second.key, on: other })).status).toBe(200);
      await call("DELETE", `/keys/${first.id}`, { key: KEY });
      nowMs += KEYS_KNOWN_MS;
      expect(await codeOf("GET", "/tasks", { key: first.key, on: other })).toBe("key_wrong");
      expect((await call("GET", "/tasks", { key: second.key, on: other })).status).toBe(200);
    });

    test("keys come from Redis, so that calls do not keep Postgres awake", async () => {
      const { key } = await make(["read"]);
      await call("GET", "/session", { key });
      // Read anew, with its first use.
      await bed.redis("DEL", `{${bed.prefix}}:keys:v1`);
      await call("GET", "/session", { key, on: open() });
      bed.counts.reset();
      for (let minute = 0; minute < 9; minute++) {
        expect((await call("GET", "/session", { key })).status).toBe(200);
        nowMs += KEYS_KNOWN_MS;
      }
      expect((await call("GET", "/session", { key, on: open() })).status).toBe(200);
      expect(bed.counts.postgres).toBe(0);
      expect(bed.counts.redis).toBeLessThanOrEqual(10);
    });

    test("what was read before a change is not kept in Redis", async () => {
      const { key, id } = await make(["read"]);
      const [one, other] = [open(), open()];
      let withdrawn: Promise<unknown> | undefined;
      // One has read the keys, and is about to write them, when the other withdraws one.
      bed.faults.postgresAnswer = async (sql) => {
        if (withdrawn || !/from tickwork_keys\) k order by id/.test(sql)) return;
        withdrawn = call("DELETE", `/keys/${id}`, { key: KEY, on: other });
        await withdrawn;
      };
      await call("GET", "/session", { key, on: one });
      expect(withdrawn).toBeDefined();
      expect(await codeOf("GET", "/session", { key, on: open() })).toBe("key_wrong");
    });

    test("a withdrawal whose process died is not undone by what is in Redis", async () => {
      const { key, id } = await make(["read"]);
      expect((await call("GET", "/session", { key })).status).toBe(200);
      const dying = open();
      // Its last words reach Postgres, and nothing reaches Redis any more.
      bed.faults.postgresAnswer = (sql) => {
        if (!/delete from tickwork_keys/.test(sql)) return;
        bed.faults.redis = () => {
          throw new Error("the process is dead");
        };
      };
      await call("DELETE", `/keys/${id}`, { key: KEY, on: dying });
      delete bed.faults.redis;
      delete bed.faults.postgresAnswer;
      expect(await codeOf("GET", "/session", { key, on: open() })).toBe("key_wrong");
    });

    test.each(["[", "{}", "7"])("%s in Redis is no list of keys", async (rubbish) => {
      const { key } = await make(["read"]);
      await bed.redis("SET", `{${bed.prefix}}:keys:v1`, rubbish);
      expect((await call("GET", "/session", { key, on: open() })).status).toBe(200);
    });

    test("without Redis, keys work all the same; without Postgres, that of the environment does", async () => {
      const { key } = await make(["read"]);
      bed.faults.redis = () => {
        throw new Error("Redis is away");
      };
      expect((await call("GET", "/session", { key, on: open() })).status).toBe(200);
      bed.faults.postgres = () => {
        throw new Error("Postgres is away");
      };
      const cold = open();
      expect(await codeOf("GET", "/session", { key, on: cold })).toBe("postgres_unavailable");
      expect((await call("GET", "/session", { key: KEY, on: cold })).status).toBe(200);
    });
  });

  test("a create costs no request more with a key that is known, and none ever with that of the environment", async () => {
    const { key } = await make(["write"]);
    const post = async (with_: string) => {
      bed.counts.reset();
      expect((await call("POST", "/tasks", { key: with_, body: { type: "note" } })).status).toBe(201);
      return { ...bed.counts };
    };
    const ours = await post(KEY);
    expect(ours.postgres).toBe(1);
    await post(key);
    expect(await post(key)).toMatchObject({ postgres: ours.postgres, redis: ours.redis });
  });

  test("the last use is noted, once an hour", async () => {
    const { key } = await make(["read"]);
    const uses = async () =>
      (await bed.sql<{ used_at: string }>("select used_at from tickwork_keys"))[0]?.used_at;
    await call("GET", "/session", { key });
    const first = await uses();
    expect(first).toBeTruthy();
    bed.counts.reset();
    await call("GET", "/session", { key });
    expect(bed.counts.postgres).toBe(0);
    await bed.sql("update tickwork_keys set used_at = used_at - interval '2 hours'");
    nowMs += KEY_USED_STEP_MS;
    await call("GET", "/session", { key });
    expect(Date.parse((await uses()) ?? "")).toBeGreaterThanOrEqual(Date.parse(first ?? ""));
  });

  test("a task has the name of the key as its user, unless the caller names one", async () => {
    const { key } = await make(["write"], { name: "shop" });
    const create = (headers = {}, with_ = key) =>
      call<Task>("POST", "/tasks", { key: with_, body: { type: "note" }, headers });
    const { body: task } = await create();
    expect(task.userCreated_Id).toBe("shop");
    expect((await create({ "Tickwork-User": "ada" })).body.userCreated_Id).toBe("ada");
    expect((await create({}, KEY)).body.userCreated_Id).toBeNull();
    const { body: changed } = await call<Task>("PATCH", `/tasks/${task.id}`, {
      key,
      body: { max_attempts: 2 },
    });
    expect(changed.userUpdated_Id).toBe("shop");
  });

  test("a table whose users are uuids takes keys with other names", async () => {
    await bed.sql(`alter table "baasix_Tasks" alter "userCreated_Id" type uuid using null`);
    try {
      const { key } = await make(["write"]);
      const made = await call<Task>("POST", "/tasks", { key, body: { type: "note" } });
      expect(made).toMatchObject({ status: 201, body: { userCreated_Id: null } });
    } finally {
      await bed.sql(`alter table "baasix_Tasks" alter "userCreated_Id" type varchar(255)`);
    }
  });

  describe("the audit log", () => {
    const entries = async (query = "") =>
      (
        await call<{ entries: AuditEntry[]; next_cursor: string | null }>("GET", `/audit${query}`, {
          key: KEY,
        })
      ).body;

    test("says who changed what, where no row of a task does", async () => {
      const admin = await make(["admin", "write"], { name: "ops" });
      const by = { key: admin.key, headers: { "Tickwork-User": "ada" } };
      const { body: task } = await call<Task>("POST", "/tasks", { ...by, body: { type: "note" } });
      await call("PUT", "/tasks/running", { ...by, body: { isRunning: true } });
      await call("PUT", "/tasks/running", { ...by, body: { isRunning: false } });
      await call("POST", "/tasks/refresh", by);
      await call("POST", "/tasks/reset-stuck", by);
      await call("DELETE", `/tasks/${task.id}`, by);
      await call("PUT", "/pauses", { ...by, body: { type: "note" } });
      for (let n = 0; n < 2; n++) await call("DELETE", "/pauses?type=note", by);
      await call("PUT", "/limits", { ...by, body: { queue: "mail", concurrency: 2 } });
      for (let n = 0; n < 2; n++) await call("DELETE", "/limits?queue=mail", by);
      const hourly = { cron: "@hourly", type: "note" };
      const writer = { ...by, key: KEY };
      await call("PUT", "/schedules/hourly", { ...writer, body: hourly });
      await call("PUT", "/schedules/hourly", { ...writer, body: { paused: true } });
      await call("DELETE", "/schedules/hourly", writer);
      await call("DELETE", `/keys/${admin.id}`, { key: KEY });
      const { entries: found } = await entries();
      expect(found.map(({ action, subject }) => [action, subject]).reverse()).toEqual([
        ["key_created", `${admin.id} ops: admin, write`],
        ["running_set", null],
        ["running_released", null],
        ["refreshed", null],
        ["stuck_reset", null],
        ["task_deleted", `${task.id} note`],
        ["paused", "type note"],
        ["resumed", "type note"],
        ["limit_set", "queue mail"],
        ["limit_removed", "queue mail"],
        ["schedule_changed", "hourly"],
        ["schedule_changed", "hourly"],
        ["schedule_deleted", "hourly"],
        ["key_deleted", `${admin.id} ops`],
      ]);
      const paused = found.find(({ action }) => action === "paused");
      expect(paused).toMatchObject({ key_id: admin.id, key_name: "ops", user_id: "ada" });
      expect(found[0]).toMatchObject({ key_id: null, key_name: "API_KEY", user_id: null });
    });

    test("what did not happen is not noted", async () => {
      await call("DELETE", "/tasks/999", { key: KEY });
      await call("DELETE", "/keys/999", { key: KEY });
      await call("DELETE", "/schedules/none", { key: KEY });
      await call("PUT", "/pauses", { key: KEY, body: { type: "unknown" } });
      await call("POST", "/keys", { key: KEY, body: {} });
      expect((await entries()).entries).toEqual([]);
    });

    test("has pages, and an end", async () => {
      await bed.sql(`insert into tickwork_audit (at, action, key_name)
        select now() - interval '366 days', 'refreshed', 'old' from generate_series(1, 5)`);
      for (let n = 0; n < 3; n++) await make(["read"]);
      const first = await entries("?limit=2");
      const second = await entries(`?limit=2&cursor=${first.next_cursor}`);
      expect([...first.entries, ...second.entries].map(({ key_name }) => key_name)).toEqual(
        Array(3).fill("API_KEY"),
      );
      expect(second.next_cursor).toBeNull();
    });

    test("an operator's action is done also when it cannot be noted", async () => {
      bed.faults.postgres = (sql) => {
        if (/tickwork_audit/.test(sql)) throw new Error("the disk is full");
      };
      expect((await call("POST", "/tasks/refresh", { key: KEY })).status).toBe(200);
    });
  });

  describe("a session", () => {
    const OWN = { origin: "http://localhost", "sec-fetch-site": "same-origin" };
    const signIn = async (key = KEY, headers: Record<string, string> = {}) => {
      const {
        status,
        headers: answered,
        body,
      } = await call<{ expires_at: string; scopes: string[] }>("POST", "/session", {
        body: { key },
        headers,
      });
      const [cookie = ""] = answered.getSetCookie();
      return { status, set: cookie, cookie: cookie.split(";")[0] ?? "", body };
    };

    test("is a cookie that scripts and other sites do not get", async () => {
      const { status, set, body } = await signIn();
      expect(status).toBe(201);
      expect(set).toMatch(/^tickwork=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/);
      expect(Date.parse(body.expires_at) - nowMs).toBe(SESSION_MS);
      const behindTls = await signIn(KEY, { "x-forwarded-proto": "https" });
      expect(behindTls.set).toMatch(
        /^__Host-tickwork=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/,
      );
      expect(set).not.toContain(KEY);
    });

    test("may do what its key may", async () => {
      const { key } = await make(["read"]);
      const { cookie } = await signIn(key);
      const headers = { cookie, ...OWN };
      expect((await call("GET", "/tasks", { headers })).status).toBe(200);
      expect(await codeOf("POST", "/tasks", { headers, body: { type: "note" } })).toBe("scope_missing");
      expect(await call("GET", "/session", { headers })).toMatchObject({
        body: { name: "shop", scopes: ["read"] },
      });
    });

    test("changes something only for pages of this server", async () => {
      const { cookie } = await signIn();
      const post = (headers: Record<string, string>) =>
        codeOf("POST", "/tasks", { headers: { cookie, ...headers }, body: { type: "note" } });
      for (const [headers, code] of [
        [{}, "cross_site"],
        [{ origin: "https://evil.example" }, "cross_site"],
        [{ origin: "null" }, "cross_site"],
        [{ origin: "http://localhost.evil.example" }, "cross_site"],
        [{ origin: "http://localhost:8080" }, "cross_site"],
        [{ origin: "http://localhost", "sec-fetch-site": "cross-site" }, "cross_site"],
        [{ "sec-fetch-site": "same-site" }, "cross_site"],
        [{ "sec-fetch-site": "none" }, "cross_site"],
        [{ "sec-fetch-site": "same-origin" }, undefined],
        [{ origin: "http://localhost" }, undefined],
      ] as const)
        expect(await post(headers), JSON.stringify(headers)).toBe(code);
      const deletes = { cookie, origin: "https://evil.example" };
      expect(await codeOf("DELETE", "/session", { headers: deletes })).toBe("cross_site");
      expect(await codeOf("POST", "/session", { headers: deletes, body: { key: KEY } })).toBe("cross_site");
    });

    test("that was tampered with is none", async () => {
      const { key, id } = await make(["read"]);
      const { cookie } = await signIn(key);
      const [name, token = ""] = cookie.split("=");
      const [keyId, end, mac] = token.split(".");
      expect(keyId).toBe(String(id));
      const flipped = Buffer.from(mac ?? "", "base64url");
      flipped[0] = (flipped[0] ?? 0) ^ 1;
      for (const forged of [
        `0.${end}.${mac}`,
        `${keyId}.${Number(end) + 1}.${mac}`,
        `${keyId}.${end}.${flipped.toString("base64url")}`,
        `${keyId}.${end}.`,
        `${keyId}.${end}`,
        `${keyId}.${end}.${"A".repeat(43)}`,
        `.${token}`,
        `${token}.${mac}`,
        "",
        "%00",
        "x".repeat(4_000),
      ]) {
        const code = await codeOf("GET", "/tasks", { headers: { cookie: `${name}=${forged}` } });
        expect(code, forged.slice(0, 80)).toBe("session_ended");
      }
      // Of another deployment, whose key is another one.
      const elsewhere = createApp({ ...tickwork, config: { apiKey: "another" } });
      const foreign = await call("POST", "/session", { body: { key: "another" }, on: elsewhere });
      const [stolen = ""] = foreign.headers.getSetCookie();
      expect(await codeOf("GET", "/tasks", { headers: { cookie: stolen.split(";")[0] ?? "" } })).toBe(
        "session_ended",
      );
    });

    test("ends after a working day, with its key, and when its key is withdrawn", async () => {
      const { cookie } = await signIn();
      nowMs += SESSION_MS;
      expect(await codeOf("GET", "/tasks", { headers: { cookie } })).toBe("session_ended");

      const short = await make(["read"], { expires_at: new Date(nowMs + 60_000).toISOString() });
      const ofShort = await signIn(short.key);
      nowMs += 60_000;
      expect(await codeOf("GET", "/tasks", { headers: { cookie: ofShort.cookie } })).toBe("session_ended");

      const { key, id } = await make(["read"]);
      const ofKey = await signIn(key);
      expect((await call("GET", "/tasks", { headers: { cookie: ofKey.cookie } })).status).toBe(200);
      await call("DELETE", `/keys/${id}`, { key: KEY });
      expect(await codeOf("GET", "/tasks", { headers: { cookie: ofKey.cookie } })).toBe("session_ended");
    });

    test("is not begun with a wrong key, and ends when its browser signs out", async () => {
      expect(await codeOf("POST", "/session", { body: { key: "wrong" } })).toBe("key_wrong");
      const { status, headers } = await call("DELETE", "/session");
      expect(status).toBe(204);
      expect(headers.getSetCookie()[0]).toMatch(/^tickwork=; Max-Age=0; Path=\/; HttpOnly; SameSite=Strict$/);
    });
  });
  afterEach(() => {
    for (const fault of Object.keys(bed.faults) as (keyof typeof bed.faults)[]) delete bed.faults[fault];
  });
});
