/** What an attacker would say to `data_export`, by name. */
const of = (task_data: object) => JSON.stringify({ type: "data_export", task_data });

/** Names of files that are paths, and names that would be read as something else. */
const FILES = [
  ...["../x", "../../etc/cron.d/x", "..", ".", "./x", "/etc/passwd", "//etc/passwd", "a/b", "a\\b", "..\\x"],
  ...["....//x", "..;/x", "x/../y", "%2e%2e%2fx", "..%2fx", "\u2025/x", "x\0.csv", "x\n", " x", ".hidden"],
  ...["~", "~root/x", "C:x", "C:\\x", "\\\\host\\x", "s3://bucket/x", "file:///etc/passwd", "$HOME", "`id`"],
  ...["$(id)", "x;id", "x|id", "-", "--help", "", "ü", "x".repeat(129)],
];

const SQL = [
  "tasks; drop table x",
  "tasks'--",
  'tasks" union select 1 --',
  "(select 1)",
  "tasks/**/union/**/select/**/1",
  "pg_catalog.pg_shadow",
];

/** Bodies of POST /tasks. */
export const EXPORTS: [name: string, body: string][] = [
  ...FILES.map((file): [string, string] => [
    `an export to the file ${JSON.stringify(file).slice(0, 40)}`,
    of({ export: "tasks", file }),
  ]),
  ...SQL.map((sql): [string, string] => [`an export named ${sql}`, of({ export: sql })]),
  ...["__proto__", "constructor", "toString", "TASKS", " tasks", ""].map((name): [string, string] => [
    `an export named ${JSON.stringify(name)}`,
    of({ export: name }),
  ]),
  ...SQL.map((sql): [string, string] => [
    `an export in the format ${sql}`,
    of({ export: "tasks", format: sql }),
  ]),
  ...SQL.map((sql): [string, string] => [
    `an export since ${sql}`,
    of({ export: "tasks", params: { from: sql } }),
  ]),
  ["an export whose formulas are SQL", of({ export: "tasks", formulas: "keep'; --" })],
  ["an export with SQL of its own", of({ export: "tasks", sql: "select * from pg_shadow" })],
  ["an export with columns of its own", of({ export: "tasks", columns: { task_data: "json" } })],
  [
    "an export with SQL for the name of a parameter",
    of({ export: "tasks", params: { "type; drop table x": 1 } }),
  ],
  ["an export with parameters that are a list", of({ export: "tasks", params: ["cleanup"] })],
  ["an export of a type that is an object", of({ export: "tasks", params: { type: { $ne: null } } })],
];
