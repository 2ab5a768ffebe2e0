/** Other programs, which write the table without knowing of Tickwork. */
import type { Story, StoryParts } from "./story.ts";

/** A transaction inserts a task, the hook tells of it, and then it commits. */
export async function insertLater(
  { world, postgres, watcher }: StoryParts,
  story: Story,
  dueAt: Date,
  commitsAfterMs: number,
): Promise<void> {
  const [next] = await postgres.runForeign(
    `select nextval(pg_get_serial_sequence('"baasix_Tasks"', 'id')) as id`,
    [],
  );
  const id = Number(next?.id);
  story.call(({ operator }) => operator.notifyChanged([id]));
  story.under(
    world.sleep(commitsAfterMs).then(() =>
      world.real(async () => {
        await postgres.runForeign(
          `insert into "baasix_Tasks" (id, type, scheduled_time, "createdAt") values ($1, 'work', $2, $3)`,
          [String(id), dueAt.toISOString(), new Date(postgres.nowMs()).toISOString()],
        );
        story.acknowledged.add(id);
        await watcher.look();
      }),
    ),
  );
}

/** One of the tasks that wait runs for so long. */
export async function runWithoutLease(
  { world, postgres, watcher }: StoryParts,
  story: Story,
  pick: number,
  ms: number,
): Promise<void> {
  const waiting = [...watcher.rows.values()].filter(({ status }) => status === "Not started");
  const row = waiting[pick % Math.max(1, waiting.length)];
  if (!row) return;
  const taken = await postgres
    .runForeign(
      `update "baasix_Tasks" set task_status = 'Running' where id = $1 and task_status = 'Not started' returning id`,
      [String(row.id)],
    )
    .catch(() => []);
  if (taken.length === 0) return;
  world.after(ms, () =>
    story.foreign(async () => {
      await postgres.runForeign(
        `update "baasix_Tasks" set task_status = 'Completed' where id = $1 and lease_token is null and task_status = 'Running'`,
        [String(row.id)],
      );
    }),
  );
}
