/** How a story has to end: every fault is over, and everything comes right. */

import type { Kind } from "./kinds.ts";
import { readRows } from "./row-watcher.ts";
import { refreshSeconds, type Scenario } from "./scenario.ts";
import { removeSchedules } from "./schedules.ts";
import type { Story, StoryParts } from "./story.ts";
import { noFaults } from "./wires.ts";
import type { Process, World } from "./world.ts";

/** How long after the last fault everything that is due has to be done, when no refresh was needed. */
const HEAL_MS = 20 * 60_000;
/** A task may be overdue by this much at the end, for it may have become due only a moment ago. */
const OVERDUE_MS = 5 * 60_000;
/** As many as a task of the world has. */
const ATTEMPTS = 3;
/** Invocations that healing may take; with more, it goes round in circles. */
const HEAL_INVOCATIONS = 400;
/** How long a call or a deployment that is under way may take. */
const UNDER_WAY_MS = 120_000;
/** How long what a process has sent before it died may be on the way. */
const ARRIVED_MS = 15_000;
/** In an outage, at most so many invocations in this time. */
const OUTAGE_INVOCATIONS = 3;
const OUTAGE_WINDOW_MS = 30_000;
const SETTLED_MS = 120_000;
/** Kinds of stories in which no worker dies. */
const WITHOUT_CRASHES: readonly Kind[] = [
  "calm",
  "hurry",
  "answers",
  "late",
  "versions",
  "nudges",
  "transactions",
  "retries",
  "batches",
  "leaders",
  "lines",
  "sweeps",
];

/** Ends the faults, lets time pass, and reports to the world what is not as it was promised. */
export async function endStory(
  parts: StoryParts,
  story: Story,
  kind: Kind,
  scenario: Scenario,
): Promise<void> {
  const { world, deployment, postgres, redis } = parts;
  const { lambda } = deployment;
  if (world.violations.length > 0) return;
  if (kind === "outages") {
    // Until they are over: they were the last step, perhaps.
    await world.runUntil(Math.max(world.nowMs, ...story.outages.map(({ untilMs }) => untilMs)));
    expectPatience(parts, story);
  }
  world.tell("── the faults are over");
  for (const server of [postgres, redis]) {
    server.up = true;
    server.faults = noFaults;
  }
  lambda.faults = { lost: 0, doubled: 0 };
  await world.runUntil(world.nowMs + UNDER_WAY_MS, () => story.underWay === 0);
  if (story.underWay > 0) world.violate("a call or a deployment did not end");
  if (scenario.steps.some(({ step }) => step.do === "pause")) await world.runUntil(world.nowMs + ARRIVED_MS);
  await resumeAll(parts);
  await story.schedules.expectOccurrences();
  if (kind === "schedules") await finish(world, () => deployment.call(removeSchedules));
  if (deployment.mixed) {
    // The newer code is everywhere now, and its refresh finds what the older one left to it.
    deployment.mixed = false;
    story.mayWaitForRefresh = true;
    let deployed = false;
    const deploying = deployment.deploy().finally(() => {
      deployed = true;
    });
    world.watch(deploying);
    await world.runUntil(world.nowMs + UNDER_WAY_MS, () => deployed);
  }
  // When the clocks of Redis and Postgres disagree, a refresh may have to help, as after lost rings.
  const { skew } = scenario;
  const disturbed =
    story.mayWaitForRefresh ||
    parts.watcher.bulk.brokenOff ||
    lambda.disturbed ||
    [skew.postgres, skew.redis, skew.workers].some((ms) => ms !== 0);
  if (disturbed) lambda.enqueue("refresh");
  else story.refreshes = false;
  const before = lambda.invokedAtMs.length;
  // A ring that was lost may have been the one that a write made which Redis did not take.
  const unseen = story.mayBeUnseen || (lambda.disturbed && (redis.disturbed || story.resumerDies));
  const unseenMs = unseen ? (scenario.unseenSeconds - refreshSeconds) * 1000 : 0;
  await world.runUntil(world.nowMs + HEAL_MS + unseenMs);
  if (world.violations.length > 0) return;
  if (lambda.invokedAtMs.length - before > HEAL_INVOCATIONS) world.violate("it goes round in circles");
  await expectDone(parts, story, kind, scenario);
  if (world.violations.length === 0) await expectIdle(parts, story, disturbed);
}

/** A pause whose end failed would last. */
async function resumeAll({ world, deployment }: StoryParts): Promise<void> {
  await finish(world, () =>
    deployment.call(async ({ operator }) => {
      for (const pause of await operator.listPauses())
        await operator.resume(pause.all ? { all: true } : { type: pause.type ?? "" });
    }),
  );
}

/** While servers are away, ticks try again now and then, however many have failed. */
function expectPatience({ world, deployment }: StoryParts, { outages }: Story): void {
  const times = deployment.lambda.invokedAtMs;
  for (const { fromMs, untilMs } of outages)
    for (const [n, atMs] of times.entries()) {
      const many = times[n + OUTAGE_INVOCATIONS] ?? Number.POSITIVE_INFINITY;
      // Whatever had rung before has come by then.
      if (atMs > fromMs + SETTLED_MS && many < untilMs && many - atMs < OUTAGE_WINDOW_MS)
        world.violate(`more than ${OUTAGE_INVOCATIONS} invocations in 30 s of an outage`);
    }
}

/** Promise 1: every task ended or waits, and nothing counts as a crash that was none. */
async function expectDone(
  { world, postgres, watcher }: StoryParts,
  { acknowledged, removed, uncommitted }: Story,
  kind: Kind,
  { skew }: Scenario,
): Promise<void> {
  const rows = await world.real(() => readRows(postgres));
  const nowMs = postgres.nowMs();
  // A Redis whose clock is behind Postgres's holds back each attempt by the difference.
  const allowedMs = OVERDUE_MS + ATTEMPTS * Math.max(0, skew.postgres - skew.redis);
  for (const id of acknowledged)
    if (!rows.has(id) && !removed.has(id) && !watcher.bulk.deleted.has(id))
      world.violate(`promise 1: task ${id} was made and is gone`);
  for (const { task } of watcher.executions)
    if (uncommitted.has(task)) world.violate(`task ${task} ran, and its transaction was not committed`);
  for (const row of rows.values()) {
    const overdueMs = nowMs - row.dueMs;
    if (row.status === "Not started" && overdueMs > allowedMs)
      world.violate(`promise 1: task ${row.id} has been due for ${Math.round(overdueMs / 1000)} s`);
    if (row.status === "Running" && (row.leaseMs ?? 0) < nowMs - OVERDUE_MS)
      world.violate(`promise 1: task ${row.id} is left behind running`);
    const excused = kind === "late" ? (watcher.leasedLate.get(row.id) ?? 0) : 0;
    if (WITHOUT_CRASHES.includes(kind) && row.crashes > excused)
      world.violate(`rule 10: task ${row.id} counts a crash, and nothing crashed`);
  }
}

/** Promises 4, 6 and 7: a tick finds nothing to do with one look, so the cache is what Postgres says. */
async function expectIdle(
  { world, deployment, postgres: server }: StoryParts,
  story: Story,
  disturbed: boolean,
): Promise<void> {
  story.refreshes = false;
  const rows = await world.real(() => readRows(server));
  const soonMs = server.nowMs() + 3_600_000;
  const isSoon = ({ status, dueMs }: { status: string; dueMs: number }) =>
    status === "Running" || (status === "Not started" && dueMs < soonMs);
  if ([...rows.values()].some(isSoon)) return;
  if (disturbed) await finish(world, () => deployment.call(({ worker }) => worker.refresh()));
  const idler = deployment.start("idler");
  // The first tick may find something to correct: a Redis that was flushed, or what others changed without a word.
  await finish(world, () => idler.tickwork.worker.tick(), idler.process);
  idler.process.sent.postgres = 0;
  idler.process.sent.redis = 0;
  await finish(world, () => idler.tickwork.worker.tick(), idler.process);
  const { postgres, redis } = idler.process.sent;
  if (postgres !== 0 || redis !== 1)
    world.violate(`promise 4: an idle tick cost ${postgres} requests to Postgres and ${redis} to Redis`);
  idler.process.alive = false;
}

async function finish(world: World, work: () => Promise<unknown>, process?: Process): Promise<void> {
  let done = false;
  const working = work().finally(() => {
    done = true;
  });
  world.watch(working, process);
  await world.runUntil(world.nowMs + 60_000, () => done);
}
