/**
 * What handlers really did, in files outside of Postgres and Redis: each life of a worker has one, and a line is with
 * the kernel before the handler goes on, so that it stays when the process is killed.
 */
import { openSync, readFileSync, writeSync } from "node:fs";

export interface JournalLine {
  /** By the machine's clock, which is everybody's here, in milliseconds. */
  at: number;
  event: "start" | "end" | "stall";
  task?: number;
  /** The row's rev when it was claimed: no two leases have the same. */
  rev?: number;
  slot?: number;
  attempt?: number;
  /** How the handler ended. */
  how?: "completed" | "failed" | "aborted";
  /** Of a stall: since when this process did nothing. */
  since?: number;
}

/** Opens a life's file. */
export function openJournal(path: string): (line: Omit<JournalLine, "at">) => void {
  const file = openSync(path, "a");
  return (line) => void writeSync(file, `${JSON.stringify({ at: Date.now(), ...line })}\n`);
}

export function readJournal(path: string): JournalLine[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as JournalLine);
}

/** Whether a handler runs, by what its worker wrote until now. */
export function isBusy(path: string): boolean {
  const lines = readJournal(path);
  const count = (event: JournalLine["event"]) => lines.filter((line) => line.event === event).length;
  return count("start") > count("end");
}
