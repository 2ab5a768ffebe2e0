/**
 * Apps that enqueue in transactions of their own, and die at any point of them. The embedded Postgres has one
 * connection: what a transaction inserts is kept aside, and written when it commits.
 */

import type { Statement } from "#core";
import { createInTransaction } from "../../../packages/connect/in-transaction.ts";
import { createEncryption } from "../../../packages/core/tasks/encryption.ts";
import type { TransactionStep } from "./steps.ts";
import type { Story, StoryParts } from "./story.ts";
import type { Process } from "./world.ts";

const TRAVEL_MS = [0.5, 20] as const;
/** How soon Postgres notices that the other end of a connection is gone. */
const NOTICE_MS = [1, 200] as const;
/** How long an app lives that does not say how its transaction ended. */
const LIVES_ON_MS = 30_000;

/** The story's tasks. */
type Tasks = Pick<Story, "acknowledged" | "uncommitted">;

interface KeptTask {
  id: number;
  dueAt: string;
}

/** A connection of a process to Postgres, with a transaction on it. */
class SimulatedClient {
  readonly #parts: StoryParts;
  readonly #process: Process;
  readonly #tasks: Tasks;
  readonly #xid: string;
  readonly #kept: KeptTask[] = [];
  #ending = false;

  constructor(parts: StoryParts, process: Process, tasks: Tasks) {
    this.#parts = parts;
    this.#process = process;
    this.#tasks = tasks;
    const { world, postgres } = parts;
    this.#xid = String(postgres.transactions.size + 1);
    postgres.transactions.set(this.#xid, "in progress");
    process.onDeath(() =>
      world.after(world.between(...NOTICE_MS), () => {
        // A commit that was sent before is done all the same.
        if (!this.#ending) postgres.transactions.set(this.#xid, "aborted");
      }),
    );
  }

  /** What a client of node-postgres has, and a pool has not. */
  connect(): void {}

  async query(text: string, values: unknown[] = []): Promise<{ rows: unknown[] }> {
    return this.#ask(async () => ({ rows: [{ answer: await this.#insert({ text, params: values }) }] }));
  }

  commit(): Promise<void> {
    this.#ending = true;
    const { world, postgres, watcher } = this.#parts;
    return this.#ask(async () => {
      world.tell(`transaction ${this.#xid} commits`);
      for (const { id, dueAt } of this.#kept) {
        this.#tasks.uncommitted.delete(id);
        this.#tasks.acknowledged.add(id);
        await postgres.runForeign(
          `insert into "baasix_Tasks" (id, type, scheduled_time, "createdAt") values ($1, 'work', $2, $3)`,
          [String(id), dueAt, new Date(postgres.nowMs()).toISOString()],
        );
      }
      postgres.transactions.set(this.#xid, "committed");
      await watcher.look();
    });
  }

  rollback(): Promise<void> {
    this.#ending = true;
    return this.#ask(async () => void this.#parts.postgres.transactions.set(this.#xid, "aborted"));
  }

  async #insert({ params = [] }: Statement): Promise<string> {
    const { postgres } = this.#parts;
    const given = JSON.parse(String(params[0])) as { scheduled_time: string }[];
    const tasks: { id: number }[] = [];
    for (const { scheduled_time: dueAt } of given) {
      const [next] = await postgres.run(
        `select nextval(pg_get_serial_sequence('"baasix_Tasks"', 'id')) as id`,
      );
      const id = Number(next?.id);
      this.#kept.push({ id, dueAt });
      this.#tasks.uncommitted.add(id);
      tasks.push({ id });
    }
    return JSON.stringify({ tasks, xid: this.#xid });
  }

  #ask<T>(execute: () => Promise<T>): Promise<T> {
    const { world } = this.#parts;
    return new Promise((resolve) =>
      world.after(world.between(...TRAVEL_MS), async () => {
        const answer = await world.real(execute);
        world.after(world.between(...TRAVEL_MS), () => this.#process.resume(() => resolve(answer)));
      }),
    );
  }
}

export async function runTransactionStep(
  parts: StoryParts,
  { count, dueInMs, openMs, commits, says, appDies }: TransactionStep,
  made: Tasks,
): Promise<void> {
  const { world, deployment, postgres } = parts;
  const { process, tickwork } = deployment.start("app");
  const { clock } = process;
  const tasks = createInTransaction({
    encryption: createEncryption([], () => false),
    ...{ database: tickwork.database, log: tickwork.log, clock, postgresTells: false },
    doorbell: deployment.lambda.doorbellOf(process),
    tell: tickwork.operator.notifyChanged,
  });
  const scheduled_time = new Date(postgres.nowMs() + dueInMs).toISOString();
  const client = new SimulatedClient(parts, process, made);
  if (appDies?.after === "begin") world.after(appDies.ms, () => process.kill());
  const work = async () => {
    if (says) tasks.own(client);
    await tasks.create(
      client,
      Array.from({ length: count }, () => ({ type: "work", scheduled_time })),
      {},
    );
    await clock.sleep(openMs);
    if (says) await tasks.beforeCommit(client);
    if (appDies?.after === "commit") world.after(appDies.ms, () => process.kill());
    await (commits ? client.commit() : client.rollback());
    if (!says) await clock.sleep(LIVES_ON_MS);
    else if (commits) await tasks.committed(client);
    else tasks.rolledBack(client);
  };
  await Promise.race([work(), new Promise<void>((resolve) => void process.onDeath(resolve))]);
  process.alive = false;
}
