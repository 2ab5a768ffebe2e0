/** What the server refuses, in the words of the command line: it names the fields of the API, and users gave options. */
import type { Command } from "commander";
import type { Issue } from "#core";
import { describeIssues } from "../core/errors.ts";

/** Fields whose options have names of their own; the others are called alike. */
const OPTIONS: Readonly<Record<string, string>> = {
  concurrency_key: "--key",
  every_seconds: "--every",
  expires_at: "--expires",
  longest_wait_seconds: "--longest-wait",
  scheduled_from: "--due-from",
  scheduled_time: "--at",
  scheduled_to: "--due-to",
  scopes: "--scope",
  task_data: "--data",
  version: "--task-version",
};

/** The option of a command that becomes this field, or its argument; undefined where it has none. */
function optionFor(field: string, { options, registeredArguments }: Command): string | undefined {
  const name = OPTIONS[field] ?? `--${field.replaceAll("_", "-")}`;
  if (options.some(({ long }) => long === name)) return name;
  return registeredArguments.map((argument) => argument.name()).find((argument) => `--${argument}` === name);
}

/** @example wordsFor("rate.starts", command); // "--rate: starts" */
function wordsFor(path: string, command: Command): string {
  const [field = "", ...rest] = path.replace(/^filter\./, "").split(".");
  const option = optionFor(field, command);
  if (option === undefined) return path;
  return rest.length === 0 ? option : `${option}: ${rest.join(".")}`;
}

/** Only before the value that was given, and only names that are no words of everyday. */
function renamed(message: string, command: Command): string {
  const [said = "", ...got] = message.split(", got ");
  const inWords = said.replace(/\b[a-z]+(?:_[a-z]+)+\b/g, (field) => optionFor(field, command) ?? field);
  return [inWords, ...got].join(", got ");
}

/**
 * The message of an answer, with the options of the command that asked in place of the fields of its issues.
 *
 * @example inOptions("concurrency_key must be …", [{ path: "concurrency_key", message: "must be …" }], limits) // "--key must be …"
 */
export function inOptions(message: string, issues: readonly Issue[], command: Command): string {
  if (issues.length === 0) return renamed(message, command);
  const [more = ""] = /; and (at least )?\d+ more$/.exec(message) ?? [];
  const told = issues.map(({ path, message: text }) => ({
    path: wordsFor(path, command),
    message: renamed(text, command),
  }));
  return describeIssues(told) + more;
}
