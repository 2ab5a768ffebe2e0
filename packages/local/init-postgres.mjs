// Puts a prepared, empty database into the folder that is named: a process of its own, see embedded-postgres.ts.
import { PGlite } from "@electric-sql/pglite";
import { dataDir } from "@electric-sql/pglite-prepopulatedfs";

const db = await PGlite.create({ dataDir: process.argv[2], loadDataDir: await dataDir() });
await db.close();
