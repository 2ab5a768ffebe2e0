// Puts a prepared, empty database into the folder that is named: a process of its own, see embedded-postgres.ts.
import { PGlite } from "@electric-sql/pglite";
import { dataDir } from "@electric-sql/pglite-prepopulatedfs";

/** What WebAssembly's file system has numbers for, of what can go wrong here. */
const FILE_ERRORS = {
  2: "EACCES",
  19: "EDQUOT",
  22: "EFBIG",
  29: "EIO",
  51: "ENOSPC",
  63: "EPERM",
  69: "EROFS",
};

try {
  const db = await PGlite.create({ dataDir: process.argv[2], loadDataDir: await dataDir() });
  await db.close();
} catch (error) {
  // WebAssembly's own message is about how it was built.
  const what = error instanceof WebAssembly.RuntimeError ? "it aborted" : String(error.message ?? error);
  process.stderr.write(FILE_ERRORS[error.errno] ?? what);
  process.exit(1);
}
