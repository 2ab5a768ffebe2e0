/** A process of a user's own that enqueues in a transaction, and is killed in the moment in which that is committed. */
import pg from "pg";
import { connect } from "#connect";

const { DATABASE_URL = "" } = process.env;
const tickwork = connect({ databaseUrl: DATABASE_URL });
const client = new pg.Client({ connectionString: DATABASE_URL });
await client.connect();
await client.query("BEGIN");
await tickwork.enqueue("cleanup", { older_than_days: 30 }, { tx: client });
await client.query("COMMIT");
process.kill(process.pid, "SIGKILL");
