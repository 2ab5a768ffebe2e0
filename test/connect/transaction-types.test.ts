/** Which transactions compile, and which do not: `tsc` is what runs these tests. */
import { type PoolClient as NeonClient, type Pool as NeonPool, neon } from "@neondatabase/serverless";
import type { NeonDatabase } from "drizzle-orm/neon-serverless";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { Kysely, Transaction as KyselyTx } from "kysely";
import type { Client, Pool, PoolClient } from "pg";
import { expectTypeOf, test } from "vitest";
import type { Connection } from "#connect";
import type { PrismaClient } from "../support/connect/prisma-client.ts";

interface Tables {
  orders: { id: number };
}
interface Given {
  pool: Pool;
  client: Client;
  poolClient: PoolClient;
  neonPool: NeonPool;
  neonClient: NeonClient;
  drizzle: NodePgDatabase;
  drizzleNeon: NeonDatabase;
  drizzlePostgresJs: PostgresJsDatabase;
  kysely: Kysely<Tables>;
  kyselyTx: KyselyTx<Tables>;
  prisma: PrismaClient;
}
/** Only compiled: there is no connection. */
const compiled = (_: (tickwork: Connection, given: Given) => unknown) => {};

test("a transaction of each library fits, and what is none does not", () => {
  compiled((tickwork, { client, poolClient, neonClient, kyselyTx, ...none }) => [
    tickwork.enqueue("greet", {}, { tx: client }),
    tickwork.enqueue("greet", {}, { tx: poolClient, at: new Date() }),
    tickwork.enqueueMany("greet", [{ data: {} }], { tx: neonClient }),
    tickwork.enqueue("greet", {}, { tx: kyselyTx }),
    tickwork.enqueue("greet", {}, { tx: undefined }),
    tickwork.committed(poolClient),
    // @ts-expect-error: each of its queries may go to another connection
    tickwork.enqueue("greet", {}, { tx: none.pool }),
    // @ts-expect-error: the same
    tickwork.enqueue("greet", {}, { tx: none.neonPool }),
    // @ts-expect-error: it is in no transaction
    tickwork.enqueue("greet", {}, { tx: none.drizzle }),
    // @ts-expect-error: it is in no transaction
    tickwork.enqueue("greet", {}, { tx: none.kysely }),
    // @ts-expect-error: it is in no transaction
    tickwork.enqueue("greet", {}, { tx: none.prisma }),
    // @ts-expect-error: its transactions are lists of statements
    tickwork.enqueue("greet", {}, { tx: neon("postgres://") }),
    // @ts-expect-error: it is nothing of the kind
    tickwork.enqueue("greet", {}, { tx: {} }),
  ]);
});

test("a transaction that is run has the type that its library gives it", () => {
  compiled((tickwork, { pool, drizzle, drizzleNeon, drizzlePostgresJs, kysely, prisma }) => [
    tickwork.transaction(pool, async (tx) => {
      expectTypeOf(tx).toEqualTypeOf<PoolClient>();
      return tickwork.enqueue("greet", {}, { tx });
    }),
    tickwork.transaction(drizzle, async (tx) => tickwork.enqueue("greet", {}, { tx })),
    tickwork.transaction(drizzleNeon, async (tx) => tickwork.enqueue("greet", {}, { tx })),
    tickwork.transaction(drizzlePostgresJs, async (tx) => {
      await tx.transaction((inner) => tickwork.enqueue("greet", {}, { tx: inner }));
    }),
    tickwork.transaction(kysely, async (tx) => {
      expectTypeOf(tx).toEqualTypeOf<KyselyTx<Tables>>();
      await tickwork.enqueue("greet", {}, { tx });
    }),
    tickwork.transaction(prisma, async (tx) => {
      await tx.$executeRawUnsafe("select 1");
      await tickwork.enqueue("greet", {}, { tx });
    }),
  ]);
  const numbered = (tickwork: Connection, pool: Pool) => tickwork.transaction(pool, async () => 7);
  expectTypeOf<ReturnType<typeof numbered>>().toEqualTypeOf<Promise<number>>();
});
