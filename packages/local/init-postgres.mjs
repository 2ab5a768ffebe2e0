// Makes an empty database in the folder that is named: a process of its own, see embedded-postgres.ts.
import { PGlite } from "@electric-sql/pglite";

const db = await PGlite.create(process.argv[2]);
await db.close();
