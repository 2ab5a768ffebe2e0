/** How a command fails: one line on stderr that says what and how to mend it, and an exit code. */
import { type Command, CommanderError } from "commander";
import { TickworkApiError, TickworkNetworkError, TickworkTimeoutError } from "#client";
import { ConfigError, TickworkError } from "#core";
import { messageOf } from "../core/errors.ts";
import { inOptions } from "./option-names.ts";

/** Exit codes. */
export const FAILED = 1;
export const MISUSED = 2;

/** The command was called in a way that it does not understand. Its message is one line. */
export class UsageError extends Error {}

/** What was asked for did not succeed, and has been said already. */
export class ToldFailure extends Error {}

interface Failure {
  exitCode: number;
  /** Undefined when it has been said already. */
  message?: string;
  code?: string | undefined;
}

/** Statuses of what was given wrongly: it cannot be read, is too large, or is not acceptable. */
const MISUSES: readonly number[] = [400, 413, 422];

/** Whether what the user gave is refused, whoever found that out. A key that another request has was fine before. */
const isMisuse = (error: unknown) =>
  error instanceof TickworkApiError &&
  error.code !== undefined &&
  error.code !== "idempotency_key_reused" &&
  MISUSES.includes(error.status);

/** @param command the one that failed; undefined where it was not found */
export function failureOf(error: unknown, command?: Command): Failure {
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? 0 : MISUSED };
  if (error instanceof ToldFailure) return { exitCode: FAILED };
  if (error instanceof UsageError) return { exitCode: MISUSED, message: error.message };
  const exitCode = isMisuse(error) ? MISUSED : FAILED;
  return { exitCode, message: oneLine(messageFor(error, command)), code: codeOf(error) };
}

/** Says why a command failed. @returns the exit code */
export function tell(error: unknown, json: boolean, command?: Command): number {
  const { exitCode, message, code } = failureOf(error, command);
  if (message !== undefined) console.error(json ? JSON.stringify({ error: { code, message } }) : message);
  return exitCode;
}

function messageFor(error: unknown, command: Command | undefined): string {
  if (error instanceof TickworkApiError)
    return [sentence(saidBy(error, command)), MENDING[error.code ?? ""]].filter(Boolean).join(" ");
  if (error instanceof TickworkTimeoutError || error instanceof TickworkNetworkError) return error.message;
  if (error instanceof ConfigError || error instanceof TickworkError) return error.message;
  return `This should not have happened: ${messageOf(error)}`;
}

/** The messages of the API say what is wrong; what to do at a command line follows here. */
const MENDING: Readonly<Record<string, string>> = {
  key_missing: "Give it with --api-key or API_KEY; the server prints it when it starts.",
  key_wrong: "Give the right one with --api-key or API_KEY; the server prints it when it starts.",
  key_expired: "`tickwork keys create` makes one.",
  scope_missing: "Give one that has it with --api-key or API_KEY.",
  key_not_found: "`tickwork keys` shows those that there are.",
  task_not_found: "`tickwork list` shows those that there are.",
  unknown_type: "Export a task of this type from your tasks file.",
  task_waiting: "`tickwork cancel` ends it before it starts.",
  task_running: "Wait for its end with `tickwork watch`, or ask it to stop with `tickwork cancel`.",
  task_finished: "`tickwork retry` runs it again.",
};

const saidBy = ({ message, issues = [] }: TickworkApiError, command: Command | undefined) =>
  command ? inOptions(message, issues, command) : message;

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

const codeOf = (error: unknown) =>
  error instanceof TickworkApiError || error instanceof TickworkError ? error.code : undefined;

const oneLine = (text: string) => text.replace(/\s*\n\s*/g, " ");
