/**
 * Machines on the same servers, as containers are: each has timers, and hears of the others over a channel on which
 * messages come late, twice or not at all. The one that is given a task may die as soon as it has acknowledged it.
 */
import type { PGlite } from "@electric-sql/pglite";
import { createTickwork, defineTask, readConfig, silent, type TickEvent, type Tickwork } from "#core";
import { pgliteDriver } from "#drivers";
import { createMemoryRedis } from "#memory-redis";
import type { Channel, Ears } from "../../../packages/core/doorbell/channel.ts";
import { createSharedDoorbell, type SharedDoorbell } from "../../../packages/local/shared-doorbell.ts";
import { createTimelineDoorbell } from "../../../packages/testing/doorbell.ts";
import { RowWatcher } from "./row-watcher.ts";
import { CLEANING, type Verdict } from "./simulate.ts";
import { CLOCK, SimulatedPostgres, SimulatedRedis } from "./wires.ts";
import { Process, World } from "./world.ts";

export interface MachinesOptions {
  seed: number;
  /** Whether machines tell each other anything. Without it, the promise is broken. */
  deaf?: boolean;
}

const MACHINES = 4;
const TASKS = 30;
/** Only the messages could wake anybody: no refresh comes in time. */
const REFRESH_SECONDS = 10_800;
const BETWEEN_TASKS_MS = 20_000;
const DUE_IN_MS = [1_500, 60_000] as const;
const WORK_MS = 3_000;
/** Later than its tasks are due: a start reads what waits. */
const START_AGAIN_MS = [60_000, 120_000] as const;
const TRAVEL_MS = [0.5, 20] as const;
const LATE_MS = [100, 1_000] as const;
/** How long a connection is gone that lost a message; then its machine looks for what it missed. */
const GONE_MS = [50, 1_000] as const;
const FAULTS = { late: 0.1, doubled: 0.1, lost: 0.4, deathOfPoster: 0.5 };
/** How long after it is due and a slot is free a task starts: some requests, and a message that is late or missed. */
const START_MS = 1_500;
const PATIENCE_MS = 120_000;

interface Machine {
  process: Process;
  tickwork: Tickwork;
  doorbell: SharedDoorbell;
  ears?: Ears;
  /** Ticks under way. */
  ticks: number;
}

/** @returns what of the promises was broken */
export async function simulateMachines(
  db: PGlite,
  { seed, deaf = false }: MachinesOptions,
): Promise<Verdict> {
  const world = new World(seed);
  for (const text of CLEANING) await db.query(text);
  const postgres = new SimulatedPostgres(world, pgliteDriver(db), 0);
  const redis = new SimulatedRedis(world, createMemoryRedis({ now: () => world.nowMs }));
  const watcher = new RowWatcher(world, postgres, { slots: 1, startMs: START_MS });
  const machines = new Set<Machine>();
  let names = 0;

  const deliver = (machine: Machine, text: string): void => {
    const hear = () => machine.process.resume(() => machine.ears?.hear(text));
    const travelMs = world.chance(FAULTS.late) ? world.between(...LATE_MS) : world.between(...TRAVEL_MS);
    if (world.chance(FAULTS.lost)) {
      world.tell(`${machine.process.name} is told nothing: its connection is gone`);
      world.after(world.between(...GONE_MS), () => machine.process.resume(() => machine.ears?.missed()));
      return;
    }
    world.after(travelMs, hear);
    if (world.chance(FAULTS.doubled)) world.after(2 * travelMs, hear);
  };
  const channelOf = (process: Process, machine: () => Machine): Channel => ({
    listen: async (ears) => {
      if (!deaf) machine().ears = ears;
    },
    send: (text) =>
      new Promise((resolve) => {
        const sent = () => {
          for (const one of machines) deliver(one, text);
          world.after(world.between(...TRAVEL_MS), () => process.resume(resolve));
        };
        world.after(world.between(...TRAVEL_MS), () => process.resume(sent));
      }),
    check: async () => {},
    close: async () => {},
  });

  const start = (): void => {
    const process = new Process(world, `machine ${++names}`, 0);
    const tick = async (event: TickEvent) => {
      machine.ticks++;
      await machine.tickwork.worker.tick(event);
      machine.ticks--;
    };
    const timers = createTimelineDoorbell(world, (event) =>
      process.resume(() => world.watch(tick(event), process)),
    );
    const doorbell = createSharedDoorbell({
      own: { ...timers, stop: async () => {} },
      channel: channelOf(process, () => machine),
      horizonMs: 2 * REFRESH_SECONDS * 1_000,
      cacheIsOwn: false,
      clock: process.clock,
    });
    const work = defineTask({
      type: "work",
      run: async (_, { task, attempt }) => {
        const execution = watcher.begin(task, attempt, process);
        await process.clock.sleep(world.between(0, WORK_MS));
        execution.ended = true;
      },
    });
    const tickwork = createTickwork({
      config: readConfig({ TASK_LIST_REFRESH_INTERVAL: String(REFRESH_SECONDS) }),
      log: silent,
      database: postgres.connect(process),
      redis: redis.connect(process),
      doorbell,
      definitions: [work],
      prefix: "sim",
      clock: process.clock,
      now: CLOCK,
    });
    const machine: Machine = { process, tickwork, doorbell, ticks: 0 };
    machines.add(machine);
    const begin = async () => {
      await doorbell.listen();
      await tickwork.worker.refresh();
      world.tell(`${process.name} is there`);
    };
    world.watch(begin(), process);
  };

  const post = async (machine: Machine): Promise<void> => {
    const dueMs = world.nowMs + world.between(...DUE_IN_MS);
    await machine.tickwork.tasks.create([{ type: "work", scheduled_time: new Date(dueMs).toISOString() }]);
    world.tell(`${machine.process.name} acknowledges a task`);
    // One that runs a task, or is about to, would leave a lease or the flag behind, which is another story.
    if (machines.size === 1 || machine.ticks > 0 || !world.chance(FAULTS.deathOfPoster)) return;
    machine.process.kill();
    machines.delete(machine);
    world.after(world.between(...START_AGAIN_MS), start);
  };

  for (let n = 0; n < MACHINES; n++) start();
  await world.runUntil(world.nowMs + BETWEEN_TASKS_MS);
  // Time stands still once something is violated.
  for (let n = 0; n < TASKS && world.violations.length === 0; n++) {
    const all = [...machines];
    const machine = all[Math.floor(world.random() * all.length)];
    if (machine) world.watch(post(machine), machine.process);
    await world.runUntil(world.nowMs + world.between(0, BETWEEN_TASKS_MS));
  }
  const isDone = () => [...watcher.rows.values()].every(({ status }) => status === "Completed");
  await world.runUntil(world.nowMs + PATIENCE_MS, isDone);
  if (!isDone()) world.violate("promise 1: a task was not run");
  // The world ends with them. What they have under way is never answered.
  for (const { process } of machines) process.alive = false;
  return { violations: world.violations, story: world.story, seconds: world.nowMs / 1_000 };
}
