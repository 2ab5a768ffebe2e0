/** Sends requests to a target, one after the other, and notes what must not have happened. */
import fc from "fast-check";
import { openApi } from "#api";
import { mannerAttacks } from "./attacks/manners.ts";
import { sizeAttacks } from "./attacks/sizes.ts";
import { socketAttacks } from "./attacks/sockets.ts";
import { valueAttacks } from "./attacks/values.ts";
import { readDescription } from "./described.ts";
import { complaints, describeRequest, expectedOfValid, generalised, harm } from "./judge.ts";
import { hostileRequest } from "./mutations.ts";
import {
  draftOfEach,
  type HttpRequest,
  type Knowledge,
  plainJson,
  requestOf,
  validDraft,
} from "./requests.ts";
import type { State } from "./state.ts";
import type { Stack, Target } from "./targets.ts";
import type { WireAnswer } from "./wire.ts";

/** How long others may have to wait for one request. */
const BLOCK_LIMIT_MS: Readonly<Record<Stack, number>> = {
  // Postgres is in the same process, where a statement of megabytes takes its time.
  embedded: 500,
  real: 250,
  // Each request has a process to itself.
  lambda: Number.POSITIVE_INFINITY,
};

export interface Finding {
  what: string;
  /** The request that showed it first. */
  request: string;
  /** How often it was found. */
  count: number;
}

export interface AssaultOptions {
  seed: number;
  valid: number;
  hostile: number;
}

export interface Report {
  sent: number;
  /** How many answers had which status. */
  statuses: Map<number, number>;
  longestBlockMs: number;
  findings: Finding[];
}

/** How attacks send and say what they expect. */
export interface Attacker {
  target: Target;
  key: string;
  /** Sends, and checks what holds for every request. */
  send(request: HttpRequest): Promise<WireAnswer | undefined>;
  /** Checks what holds for whatever was sent otherwise, and need not be a request. */
  settle(request: HttpRequest, answers: readonly WireAnswer[]): Promise<void>;
  note(what: string, request: string): void;
}

/** Ids that requests are about; that many tasks exist at the start. */
const MAX_ID = 40;

export async function assault(target: Target, options: AssaultOptions): Promise<Report> {
  const described = readDescription(await openApi());
  const knowledge: Knowledge = { described, key: target.key, types: TYPES, maxId: MAX_ID };
  const found = new Map<string, Finding>();
  const statuses = new Map<number, number>();
  let longestBlockMs = 0;
  let before: State = await target.state();

  const note = (what: string, request: string) => {
    const finding = found.get(what);
    if (finding) finding.count++;
    else found.set(what, { what, request, count: 1 });
  };
  const observe = async (
    request: HttpRequest,
    answers: readonly WireAnswer[],
    judge: (after: State) => Iterable<string>,
  ) => {
    const after = await target.state().catch((cause: unknown) => {
      throw new Error(`after ${describeRequest(request)}, nothing works any more`, { cause });
    });
    longestBlockMs = Math.max(longestBlockMs, after.blockMs);
    for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const limitMs = BLOCK_LIMIT_MS[target.stack];
    const waited = after.blockMs > limitMs ? [`others had to wait more than ${limitMs} ms`] : [];
    for (const what of [...waited, ...judge(after)])
      note(`${request.name}: ${what}`, describeRequest(request));
    before = after;
  };
  const attacker: Attacker = {
    target,
    key: target.key,
    note,
    async send(request) {
      const answer = await target.send(request);
      await observe(request, answer ? [answer] : [], (after) =>
        complaints(described, request, answer, before, after),
      );
      return answer;
    },
    settle(request, answers) {
      const refused = answers.every(({ status }) => status >= 400);
      return observe(request, answers, (after) => harm(before, after, refused));
    },
  };
  const refill = async () => {
    await target.sql(REFILL);
    before = await target.state();
  };

  // What the requests create stays out of the way of the tasks that they are about.
  await target.sql(`select setval(pg_get_serial_sequence('"baasix_Tasks"', 'id'), 1000)`);
  await refill();
  const drafts = [
    ...draftOfEach(knowledge, options.seed),
    ...fc.sample(validDraft(knowledge), { seed: options.seed, numRuns: options.valid }),
  ];
  for (const draft of drafts) {
    const request = requestOf(draft, target.key);
    const answer = await attacker.send(request);
    if (answer && !expectedOfValid(draft.operation.operationId, answer))
      note(
        `${request.name}: refused with ${answer.status} though it is valid: ${generalised(answer.text)}`,
        describeRequest(request),
      );
    if (["deleteTask", "resetStuck"].includes(request.name)) await refill();
  }
  await refill();
  for (const request of fc.sample(hostileRequest(knowledge), {
    seed: options.seed,
    numRuns: options.hostile,
  }))
    await attacker.send(request);
  let clean = "";
  for (const attack of [...ATTACKS, ...(target.port === undefined ? [] : socketAttacks)]) {
    // Most of them change nothing.
    if (before.fingerprint !== clean) {
      await target.sql(`truncate "baasix_Tasks", tickwork_requests, tickwork_schedules`);
      await refill();
      clean = before.fingerprint;
    }
    await attack(attacker);
  }
  return {
    sent: [...statuses.values()].reduce((sum, count) => sum + count, 0),
    statuses,
    longestBlockMs,
    findings: [...found.values()],
  };
}

const ATTACKS = [...valueAttacks, ...mannerAttacks, ...sizeAttacks];

/** The types that ship; what they would do is not done. */
const TYPES = {
  http_request: fc.record({ url: fc.webUrl(), method: fc.constant("POST"), body: plainJson() }),
  cleanup: fc.record({ older_than_days: fc.integer({ min: 1, max: 100 }) }),
};

/** Tasks of every status with the first ids; one of them runs. */
const REFILL = `insert into "baasix_Tasks"
    (id, type, task_status, scheduled_time, task_data, slot, lease_token, lease_expires_at)
  select id, 'cleanup', status::"enum_baasix_Tasks_task_status", now() + interval '1 day', '{"older_than_days": 1}',
    case when status = 'Running' then 0 end, case when status = 'Running' then 't' end,
    case when status = 'Running' then now() + interval '1 hour' end
  from (select id, case when id = 1 then 'Running'
      else (array['Not started', 'Completed', 'Error'])[1 + id % 3] end as status
    from generate_series(1, ${MAX_ID}) id where not exists (select from "baasix_Tasks" t where t.id = id)) missing
  on conflict do nothing`;

export function describeReport({ sent, statuses, longestBlockMs, findings }: Report): string {
  const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  return [
    `${sent} answers (${counts.join(", ")}), the longest block ${longestBlockMs.toFixed(0)} ms`,
    ...findings.map(({ what, request, count }) => `  ✗ ${what} (${count} ×)\n      ${request}`),
  ].join("\n");
}
