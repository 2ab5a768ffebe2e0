/**
 * Prisma's client for a schema without models, as `prisma generate` writes it: its generator is 300 MB, and what is
 * needed here is only its runtime.
 */
import { PrismaPg } from "@prisma/adapter-pg";
import { type GetPrismaClientConfig, getPrismaClient } from "@prisma/client/runtime/client";

const COMPILER = "@prisma/client/runtime/query_compiler_fast_bg.postgresql";

const config: GetPrismaClientConfig = {
  previewFeatures: [],
  clientVersion: "7.10.0",
  engineVersion: "0edf323efd1d98336f3f0a68684b56f689b900d3",
  activeProvider: "postgresql",
  inlineSchema:
    'generator client {\n  provider = "prisma-client"\n}\n\ndatasource db {\n  provider = "postgresql"\n}\n',
  runtimeDataModel: { models: {}, enums: {}, types: {} },
  parameterizationSchema: { strings: [], graph: "AAAA" },
  compilerWasm: {
    getRuntime: () => import(`${COMPILER}.mjs`),
    getQueryCompilerWasmModule: async () => {
      const { wasm } = (await import(`${COMPILER}.wasm-base64.mjs`)) as { wasm: string };
      const { Module } = (globalThis as unknown as { WebAssembly: WebAssemblyOfNode }).WebAssembly;
      return new Module(Buffer.from(wasm, "base64"));
    },
    importName: "./query_compiler_fast_bg.js",
  },
};

/** Which the types of Node 20 leave out. */
interface WebAssemblyOfNode {
  Module: new (bytes: Uint8Array) => object;
}

/** The part of a generated client that does not come from models, with the types that the generator gives it. */
export interface PrismaClient {
  $connect(): Promise<void>;
  $disconnect(): Promise<void>;
  $executeRawUnsafe(query: string, ...values: unknown[]): Promise<number>;
  $queryRawUnsafe<T = unknown>(query: string, ...values: unknown[]): Promise<T>;
  $transaction<P extends Promise<unknown>[]>(arg: [...P]): Promise<unknown[]>;
  $transaction<R>(fn: (prisma: Omit<PrismaClient, "$connect" | "$disconnect">) => Promise<R>): Promise<R>;
}

/** @example const prisma = openPrisma(databaseUrl); */
export function openPrisma(connectionString: string): PrismaClient {
  const Client = getPrismaClient(config) as unknown as new (options: object) => PrismaClient;
  return new Client({ adapter: new PrismaPg({ connectionString }) });
}
