export { type ConnectedCreateOptions, type Connection, connect } from "./connect.ts";
export type { ConnectOptions } from "./options.ts";
export { type ResultOptions, ResultTimeoutError } from "./result.ts";
export type {
  ClientPool,
  DrizzleDatabase,
  KyselyDatabase,
  PrismaDatabase,
  TransactionDatabase,
} from "./run-transaction.ts";
export type {
  ClientTransaction,
  DrizzleTransaction,
  KyselyTransaction,
  PrismaTransaction,
  Transaction,
} from "./transaction.ts";
