/**
 * What if a rule were left out? Each mutant is the real code with one thing taken away; the simulation has to find a
 * story in which it goes wrong. A change of the code that a mutant no longer fits fails the test, so they stay true.
 */
import { batchMutants } from "./batch-mutants.ts";
import { bulkMutants } from "./bulk-mutants.ts";
import { laneMutants } from "./lanes.ts";
import { core, type Mutant } from "./mutant.ts";
import { pauseMutants } from "./pause-mutants.ts";
import { scheduleMutants } from "./schedule-mutants.ts";
import { transactionMutants } from "./transaction-mutants.ts";
import { uniqueMutants } from "./unique-mutants.ts";

export type { Mutant } from "./mutant.ts";

export const mutants: Mutant[] = [
  {
    name: "no unique index on the slot of running rows",
    kind: "crashes",
    changes: [],
    schema: {
      break: "drop index tickwork_running",
      mend: `update "baasix_Tasks" set task_status = 'Completed' where task_status = 'Running';
        create unique index tickwork_running on "baasix_Tasks" (slot) where task_status = 'Running'`,
    },
  },
  {
    name: "settling does not need the token",
    kind: "keys",
    changes: [
      core(
        "store/settle.ts",
        "nullif(lease_token = :token and task_status = 'Running', false) is not null\n      returning rev, scheduled_time",
        ":token is not null and task_status = 'Running'\n      returning rev, scheduled_time",
      ),
    ],
  },
  {
    name: "rule 1: looking and taking the flag are two steps",
    kind: "calm",
    changes: [
      core(
        "gate/redis-gate.ts",
        "enter: (asks) => run(ENTER, asking(asks)),",
        "enter: async (asks) => { await run(LOOK, {}); return run(ENTER, asking(asks)); },",
      ),
    ],
  },
  {
    name: "rule 2: when the time is up, ring first and release then",
    kind: "calm",
    changes: [
      core(
        "run/tick.ts",
        "const { more } = await flag.release();\n  if (more) await deps.ringer.ring();",
        "await deps.ringer.ring();\n  await deps.clock.sleep(1_000);\n  await flag.release();",
      ),
    ],
  },
  {
    name: "rule 3: do not look again after releasing",
    kind: "calm",
    changes: [
      core(
        "run/tick.ts",
        "if (mayClaim(tick)) return flag.leave(napMs(tick));",
        'if (mayClaim(tick)) { await flag.release(); return end("idle"); }',
      ),
    ],
  },
  {
    name: "rule 4: do not ring when the flag is held",
    kind: "hands",
    changes: [
      core("run/tick.ts", 'await ringer.ringAfter(step.freeInMs + EXPIRY_MARGIN_MS, { by: "held" });', ""),
    ],
  },
  {
    name: "rule 5: do not correct the cache after an empty claim",
    kind: "hands",
    changes: [core("run/tick.ts", "flag.note(...claimed.truth);", "")],
  },
  {
    name: "rule 6: do not ring when somebody is in the slot",
    kind: "hands",
    changes: [
      core(
        "run/tick.ts",
        'await deps.ringer.ringAfter(claimed.leaseEndsInMs + EXPIRY_MARGIN_MS, { by: "held" });',
        "",
      ),
    ],
  },
  {
    name: "rule 7: a running task leaves the cache",
    kind: "crashes",
    changes: [
      core(
        "gate/scripts/standings.ts",
        'if (kind === "missing") return { id, rev, kind, score: "", row: "" };',
        'if (kind !== "waiting" && kind !== "gone") return { id, rev, kind: "gone", score: "", row: "" };',
      ),
    ],
  },
  {
    name: "rule 8: an older write overwrites a newer one",
    kind: "hurry",
    changes: [core("gate/scripts/standings.ts", "if known and known > tonumber(rev) then return end", "")],
  },
  {
    name: "rule 8: a row that cannot be seen is gone for good",
    kind: "nudges",
    changes: [
      core(
        "tasks/standing.ts",
        'return { id, rev: 0, kind: "missing" };',
        'return { id, rev: Number.MAX_SAFE_INTEGER, kind: "gone" };',
      ),
    ],
  },
  {
    name: "rule 8: a nudge that told nothing new is not looked at again",
    kind: "nudges",
    changes: [
      core(
        "services/announce.ts",
        "if (news < ids.length) await ringer.ringAfter(LOOK_AGAIN_MS, { askPostgres: true });",
        "",
      ),
    ],
  },
  ...laneMutants,
  ...pauseMutants,
  ...scheduleMutants,
  ...transactionMutants,
  ...uniqueMutants,
  {
    name: "rule 9: an empty Redis is an empty window",
    kind: "crashes",
    changes: [
      core(
        "gate/scripts/decide.ts",
        "if not window_end or window_end <= now()",
        "if window_end and window_end <= now()",
      ),
    ],
  },
  {
    name: "rule 10: after a claim whose answer was lost, no token is asked what it holds",
    kind: "answers",
    changes: [
      core(
        "run/exactly-once.ts",
        "n > 1 ? await claimedEarlier() : undefined",
        "undefined as ClaimResult | undefined",
      ),
      core(
        "run/exactly-once.ts",
        "(meetsRunning(result) && (await adopted(deps, claim.slot))) || result",
        "result",
      ),
    ],
  },
  {
    name: "rule 10: after a settle whose answer was lost, the tokens are not asked what they hold",
    kind: "answers",
    changes: [core("run/exactly-once.ts", "if (n === 1) return", "if (n > 0) return")],
  },
  {
    name: "rule 11: give a task back while its handler goes on",
    kind: "deploys",
    changes: [
      core(
        "run/attempt.ts",
        "Promise.race([work, aborting.ignored])",
        'Promise.race([work, new Promise<HandlerEnd>((resolve) => signal.addEventListener("abort", () => resolve({ error: signal.reason })))])',
      ),
    ],
  },
  {
    name: "rule 11: an interrupted run does not count as an attempt",
    kind: "starved",
    changes: [
      core(
        "store/settle.ts",
        "return { ...end, record, excused: 1 };",
        "return { ...end, record, attempts: -1 };",
      ),
    ],
  },
  {
    name: "a tick that failed throws although it has rung",
    kind: "outages",
    changes: [
      core(
        "run/tick.ts",
        "if (!(await ringer.ringAfter(untilRetryMs(clock.now(), failures), later))) throw error;",
        "await ringer.ringAfter(untilRetryMs(clock.now(), failures), later); throw error;",
      ),
    ],
  },
  {
    name: "ticks that failed do not try again together",
    kind: "outages",
    changes: [
      core(
        "retry.ts",
        "return Math.ceil((nowMs + pauseMs / 2) / pauseMs) * pauseMs - nowMs;",
        "return FAILED_TICK_PAUSE_MS + (nowMs - nowMs) * pauseMs;",
      ),
    ],
  },
  {
    name: "a claim takes types that its process does not know, and ends them",
    kind: "versions",
    changes: [
      core("store/fragments.ts", "= any(:ours) end", "is not null and :ours is not null end"),
      core(
        "run/attempt.ts",
        "if (!definition) return GIVEN_BACK;",
        'if (!definition) return failedForGood(deps, task, "no handler");',
      ),
    ],
  },
  {
    name: "a claim does not look at the version of a task",
    kind: "versions",
    changes: [
      core(
        "store/fragments.ts",
        "case when version is null then type else type || '@' || version end",
        "type",
      ),
      core(
        "tasks/registry.ts",
        "byName.get(versionedType(type, version))",
        "byName.get(versionedType(type, version)) ?? byName.get(type)",
      ),
    ],
  },
  {
    name: "a claim does not look what other programs run",
    kind: "hands",
    changes: [
      core(
        "store/fragments.ts",
        "filter (where slot is null and lease_token is null)",
        "filter (where false)",
      ),
      core("store/fragments.ts", "slot is distinct from :slot", "slot <> :slot"),
    ],
  },
  {
    name: "rule 12: leases go by the clock of the worker",
    kind: "clocks",
    changes: [
      {
        file: "test/support/world/wires.ts",
        from: "const now = new Date(this.nowMs()).toISOString();",
        to: "const now = new Date(_sender?.clock.now() ?? this.nowMs()).toISOString();",
      },
    ],
  },
  {
    name: "refreshes go by the cache however long Postgres was not read",
    kind: "crashes",
    changes: [core("gate/scripts/read.ts", "or age > young_ms then", "then")],
  },
  {
    name: "a refresh goes by a cache that never was rebuilt",
    kind: "everything",
    changes: [
      core(
        "gate/scripts/read.ts",
        "if known[2] ~= basis or known[3] ~= known[4] or age < 0 or age > young_ms then return false end",
        "",
      ),
      core(
        "gate/scripts/read.ts",
        "if call('HLEN', revs) ~= members or sizes[2] >= limit then return false end",
        "",
      ),
      core("gate/scripts/read.ts", "not window_end or window_end < now() + whole_ms or", ""),
    ],
  },
  {
    name: "rule 13: do not ring for a free slot",
    kind: "calm",
    changes: [
      core("run/tick.ts", "more && failures === 0 ? deps.ringer.ring() : undefined", "undefined"),
      core("run/flag.ts", "if (renewal.more) await ringForMore();", ""),
    ],
  },
  {
    name: "rule 13: a tick that goes on does not say that its last task waits again",
    kind: "retries",
    changes: [
      core(
        "run/flag.ts",
        "if (goesOn) flag.announce(id, due); else if (delayMs !== undefined)",
        "if (!goesOn && delayMs !== undefined)",
      ),
    ],
  },
  ...batchMutants,
  ...bulkMutants,
];
