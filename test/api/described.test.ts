/** Whatever is asked as the document describes it, is answered as the document describes it. */
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { openApi } from "#api";
import { type AttemptRecord, type Lateness, TASK_STATUSES, type TaskStatus } from "#core";
import type { Operation } from "../../packages/api/operations/operations.ts";
import { operations } from "../../packages/api/operations/operations.ts";
import { ERRORS } from "../../packages/core/errors.ts";

import { apiBed, KEY } from "../support/bed/api.ts";
import { type Described, readDescription } from "../support/hostile/described.ts";
import { type Draft, type Knowledge, plainJson, requestOf, validDraft } from "../support/hostile/requests.ts";

const api = apiBed();
let described: Described;
beforeAll(async () => {
  described = readDescription(await openApi());
});

const MAX_ID = 3;

/** What the task may be that the request is about. */
const SITUATIONS = ["missing", ...TASK_STATUSES] as const;
const situation = fc.constantFrom(...SITUATIONS);

/** The task as it may have become by then: with results, failures, a lease, and what it was late for. */
async function put(id: number, status: TaskStatus | "missing"): Promise<void> {
  await api.bed.sql(`delete from "baasix_Tasks" where id = $1 or task_status = 'Running'`, [String(id)]);
  if (status !== "missing")
    await api.bed.sql(
      `insert into "baasix_Tasks" (id, type, task_status, scheduled_time, attempts, slot, lease_token,
          lease_expires_at, history, lateness, result_data, error_data, progress, started_at, finished_at)
        select $1::bigint, 'note', s, now(), 2, case when s = 'Running' then 0 end, case when s = 'Running' then 't' end,
          case when s = 'Running' then now() + interval '1 min' end, $3::jsonb, $4::jsonb, '{"a": 1}',
          case when s = 'Error' then '{"message": "it broke", "name": "Error", "attempts": 2}'::json end,
          0.5, now(), case when s in ('Completed', 'Error') then now() end
        from (select $2::"enum_baasix_Tasks_task_status" as s) one`,
      [String(id), status, JSON.stringify(HISTORY), JSON.stringify(LATENESS)],
    );
}

const at = "2026-11-24T09:00:00.000Z";
const HISTORY: AttemptRecord[] = [
  {
    attempt: 1,
    started_at: at,
    ended_at: at,
    outcome: "crashed",
    message: "the worker died",
    code: "crashed",
  },
];
const LATENESS: Lateness = { ms: 1_500, reason: "flag_held", task: 3 };

test("every answer fits the document", { timeout: 60_000 }, async () => {
  const knowledge: Knowledge = {
    described,
    key: KEY,
    types: { note: plainJson(), gated: plainJson() },
    maxId: MAX_ID,
  };
  const seen = new Set<string>();
  // What the requests create stays out of the way of the tasks that they are about.
  await api.bed.sql(`select setval(pg_get_serial_sequence('"baasix_Tasks"', 'id'), 1000)`);
  const ask = async (draft: Draft) => {
    const { method, target, headers, body } = requestOf(draft, KEY);
    const response = await api.app.request(target, { method, headers, body: (body as string) ?? null });
    const answer = {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: await response.text(),
    };
    seen.add(`${draft.operation.operationId} ${answer.status}`);
    expect(described.complaint(draft.operation, answer), `${method} ${target} ${body}`).toBeUndefined();
  };
  const drafts = new Map<string, Draft>();
  await fc.assert(
    fc.asyncProperty(validDraft(knowledge), situation, async (draft, status) => {
      if (draft.path.id !== undefined) await put(Number(draft.path.id), status);
      drafts.set(draft.operation.operationId, draft);
      await ask(draft);
    }),
    { numRuns: 1_000 },
  );
  // Not each of them comes by chance for a task of each status.
  for (const draft of drafts.values())
    for (const status of draft.path.id === undefined ? [] : SITUATIONS) {
      await put(Number(draft.path.id), status);
      await ask(draft);
    }
  // Nor two that share a key.
  const create = drafts.get("createTasks");
  for (let n = 0; create && n < 2; n++)
    await ask({ ...create, headers: [], body: { type: "note", unique_key: "the same" } });
  // Nor do filters that go together.
  const list = described.operations.find(({ operationId }) => operationId === "listTasks");
  if (create && list) await ask({ ...create, operation: list, query: [], headers: [], body: undefined });
  // Nor one target alone.
  for (const [name, target] of [
    ["resume", ["all", "true"]],
    ["removeLimit", ["type", "note"]],
    ["scheduleTimes", ["every_seconds", "60"]],
  ] as const) {
    const operation = described.operations.find(({ operationId }) => operationId === name);
    if (create && operation)
      await ask({ ...create, operation, query: [[target[0], target[1]]], headers: [], body: undefined });
  }
  // Nor a filter that goes with its action.
  const bulk = described.operations.find(({ operationId }) => operationId === "bulk");
  for (const dry_run of [true, false])
    if (create && bulk)
      await ask({
        ...create,
        operation: bulk,
        headers: [],
        body: { action: "retry", filter: { dead: true }, dry_run },
      });
  // All that is to be expected came, so the rest of the document is not idle.
  const expected = Object.entries(operations).flatMap(([name, operation]: [string, Operation]) => {
    const { answer, otherwise, errors } = operation;
    const failures = errors.map((code) => ERRORS[code]).filter((code) => code === 404 || code === 409);
    // Only where a request is about a task, it may be in the wrong state.
    const forbidden = operation.path.includes(":id") ? failures : [];
    const statuses = [answer.status, otherwise?.status ?? answer.status, ...forbidden];
    return statuses.filter((status) => status !== 500).map((status) => `${name} ${status}`);
  });
  expect(expected.filter((one) => !seen.has(one))).toEqual([]);
});
