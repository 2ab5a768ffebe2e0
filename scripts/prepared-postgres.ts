/**
 * The files of an empty embedded Postgres, as a module that the package has in it: making them with `initdb` would take
 * a first start five seconds and 840 MB. They come from `@electric-sql/pglite-prepopulatedfs`, which users cannot
 * install beside every PGlite.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { PGlite } from "@electric-sql/pglite";
import { dataDir } from "@electric-sql/pglite-prepopulatedfs";
import { ROOT } from "./execute.ts";

/** The package that the module takes the place of. */
export const PREPARED = "@electric-sql/pglite-prepopulatedfs";

/** Its databases are three copies of one, 8 MB each: the window finds them. */
const COMPRESSION = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24 },
};

/** Writes a module with the same export as that of the package: `dataDir`, a tar archive. */
export async function writePreparedPostgres(file: string): Promise<void> {
  const archive = await compressedArchive();
  writeFileSync(
    file,
    `/*
${PREPARED}, Apache-2.0: the files of an empty PostgreSQL, which is under the PostgreSQL License.
Portions Copyright (c) 1996, The PostgreSQL Global Development Group
Portions Copyright (c) 1994, The Regents of the University of California
*/
import { brotliDecompressSync } from "node:zlib";
const ARCHIVE = "${archive.toString("base64")}";
export const dataDir = async () => new Blob([brotliDecompressSync(Buffer.from(ARCHIVE, "base64"))]);
`,
  );
}

/** Made once for each version of the packages that it is made with. */
async function compressedArchive(): Promise<Buffer> {
  const versions = ["@electric-sql/pglite", PREPARED].map(versionOf).join("-");
  const kept = join(ROOT, ".tmp", `prepared-postgres-${versions}.br`);
  if (existsSync(kept)) return readFileSync(kept);
  const compressed = brotliCompressSync(await archive(), COMPRESSION);
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(kept, compressed);
  return compressed;
}

/** Without the log of how the files were made, which is most of what does not repeat. */
async function archive(): Promise<Uint8Array> {
  const db = await PGlite.create({ loadDataDir: await dataDir() });
  try {
    await db.exec("set wal_recycle = off");
    await db.exec("select pg_switch_wal()");
    await db.exec("checkpoint");
    return new Uint8Array(await (await db.dumpDataDir("none")).arrayBuffer());
  } finally {
    await db.close();
  }
}

function versionOf(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name);
  const { version } = JSON.parse(readFileSync(join(dirname(entry), "../package.json"), "utf8")) as {
    version: string;
  };
  return version;
}
