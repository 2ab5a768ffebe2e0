/** What the process of a server is asked, and what it answers. */

/** What the process is asked. */
export type Question = { ask: "state" } | { ask: "sql"; text: string };

/** What it answers to `state`: everything since it was asked before. */
export interface State {
  /** Changes with each write to a row, whoever writes. */
  fingerprint: string;
  /** The longest time for which nobody else got a turn, in milliseconds. */
  blockMs: number;
  /** What the server logged as errors. */
  errors: string[];
}

/** `xmin` is the transaction that wrote the row as it is now. */
export const FINGERPRINT = `select concat_ws(' ', count(*), sum(id), sum(xmin::text::bigint),
    (select concat_ws(' ', count(*), sum(xmin::text::bigint)) from tickwork_requests),
    (select concat_ws(' ', count(*), sum(id)) from tickwork_keys), (select count(*) from tickwork_audit),
    (select concat_ws(' ', count(*), sum(rev)) from tickwork_schedules),
    (select concat_ws(' ', count(*), max(xmin::text)) from tickwork_pauses)) as fingerprint
  from "baasix_Tasks"`;
