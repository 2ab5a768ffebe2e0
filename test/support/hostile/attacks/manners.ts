/** Keys that are wrong, methods and paths that are not served, what comes twice, and what refers to nothing. */
import { type Attack, cleanup, expects, get, post, requestOf } from "./attack.ts";

const keys: Attack[] = [
  ...(["", "Bearer", "Basic x", "Bearer null", "Bearer \xff"] as const).map((value) =>
    expects(
      `the key ${value}`,
      { method: "GET", target: "/tasks", headers: [["Authorization", value]] },
      401,
    ),
  ),
  async ({ key, send, note }) => {
    for (const other of [
      key.toUpperCase(),
      key.toLowerCase(),
      `${key}x`,
      key.slice(0, -1),
      `${key} ${key}`,
    ]) {
      const answer = await send(
        requestOf(
          "another key",
          { method: "GET", target: "/tasks", headers: [["authorization", `Bearer ${other}`]] },
          key,
        ),
      );
      if (other !== key && answer && answer.status !== 401) note("a wrong key is accepted", other);
    }
  },
  ...["/tasks", "/openapi.json", "/tasks/1", "/nowhere", "/tasks/running"].map((target) =>
    expects(`no key for ${target}`, { method: "GET", target, headers: [["authorization", ""]] }, 401),
  ),
];

const methods: Attack[] = [
  expects("a GET with a body", { method: "GET", target: "/tasks", body: '{"a":1}' }, 200),
  expects("a GET of health with a body", { method: "GET", target: "/health/tasks", body: "x" }, 200),
  expects("a HEAD", { method: "HEAD", target: "/tasks" }, 200),
  expects("a HEAD with a body", { method: "HEAD", target: "/tasks", body: "x" }, 200),
  expects("a TRACE", { method: "TRACE", target: "/tasks" }, 400, 404, 405),
  expects("a TRACE with a body", { method: "TRACE", target: "/tasks", body: "x" }, 400, 404, 405),
  expects("OPTIONS", { method: "OPTIONS", target: "/tasks" }, 404),
  expects("a DELETE with a body", { method: "DELETE", target: "/tasks/7000", body: "x".repeat(100) }, 404),
];

const paths: Attack[] = [
  ...[
    "//",
    "///",
    "//tasks",
    "/tasks//",
    "/tasks/",
    "/..;/tasks",
    "/tasks/1/",
    "/TASKS",
    "/tasks/1/cancel/x",
  ],
  ...["/openapi.json/", "/__proto__", "/tasks/running/x", "/hooks", "/hooks//", "/hooks/a/b/c"],
].map((target) => get(`GET ${target}`, target, 400, 404));

const idempotency: Attack[] = [
  async (attacker) => {
    const { key, send, note } = attacker;
    for (const body of [cleanup({}), `[${cleanup({})},${cleanup({})}]`]) {
      const headers: [string, string][] = [["Idempotency-Key", `deleted ${body.length}`]];
      const create = requestOf(
        "a repetition after deletion",
        { method: "POST", target: "/tasks", headers, body },
        key,
      );
      const first = await send(create);
      const made = [JSON.parse(first?.text ?? "[]")].flat() as { id: number }[];
      for (const { id } of made)
        await send(requestOf("a deletion", { method: "DELETE", target: `/tasks/${id}` }, key));
      const again = await send(create);
      if (again && again.status >= 500) note("a repetition after deletion fails", again.text);
    }
  },
  ...["", " ", "x".repeat(256), "\xff"].map((value) =>
    expects(
      `the Idempotency-Key ${value.slice(0, 5)}`,
      { method: "POST", target: "/tasks", headers: [["Idempotency-Key", value]], body: cleanup({}) },
      ...(value === "\xff" ? [201] : []),
      400,
      422,
    ),
  ),
  expects(
    "two Idempotency-Keys",
    {
      method: "POST",
      target: "/tasks",
      headers: [
        ["Idempotency-Key", "a"],
        ["Idempotency-Key", "b"],
      ],
      body: cleanup({}),
    },
    201,
    400,
    422,
  ),
];

/** A table of Baasix may refer to others. */
const foreignKey: Attack = async (attacker) => {
  await attacker.target.sql(`create table files (id varchar(255) primary key)`);
  await attacker.target.sql(
    `alter table "baasix_Tasks" add constraint of_file foreign key (attachment_id) references files (id)`,
  );
  await post("an attachment that does not exist", cleanup({ attachment_id: "nothing" }), 422)(attacker);
  await expects(
    "a change to an attachment that does not exist",
    { method: "PATCH", target: "/tasks/2", body: '{"attachment_id":"nothing"}' },
    409,
    422,
  )(attacker);
  await attacker.target.sql(`alter table "baasix_Tasks" drop constraint of_file`);
  await attacker.target.sql(`drop table files`);
};

export const mannerAttacks = [keys, methods, paths, idempotency, foreignKey].flat();
