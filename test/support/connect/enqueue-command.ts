/**
 * A process of a user's own: enqueues numbers from 1 on, and prints the id of each task once its promise is kept. After
 * `COUNT` of them it closes its connection, and ends when nothing keeps it.
 */
import { connect } from "#connect";

const { DATABASE_URL = "", REDIS_URL, REDIS_TOKEN, COUNT } = process.env;
const tickwork = connect({ databaseUrl: DATABASE_URL, redisUrl: REDIS_URL, redisToken: REDIS_TOKEN });
for (let n = 1; n <= Number(COUNT ?? Number.POSITIVE_INFINITY); n++) {
  const { id } = await tickwork.enqueue("count", { n });
  process.stdout.write(`${id}\n`);
}
if (COUNT) console.log(await tickwork.result(1, { timeoutMs: 0 }).catch((error: Error) => error.name));
await tickwork.close();
