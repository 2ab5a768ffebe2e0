/** Where Postgres carries messages: within a database, and a database has one Tickwork. */
export const PG_CHANNEL = "tickwork";
/**
 * What a statement inside of a user's transaction sends there, which Postgres delivers if and when that commits. It is
 * the same each time: Postgres delivers one for all statements of a transaction.
 */
export const RING_OF_TRANSACTIONS = '{"from":"a transaction","now":{"askPostgres":true},"due":[]}';
