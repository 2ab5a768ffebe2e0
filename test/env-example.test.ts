/** `.env.example` names every variable that a user may set, in the section of those who read it, with its default. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Environment, readConfig } from "#core";
import { readSettings } from "../infra/settings.ts";

const ROOT = join(import.meta.dirname, "..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const namesIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = ""]) => name);

const example = read(".env.example");
const [, everywhere = "", oneMachine = "", deployment = ""] = example.split(/^# ── /m);
const settingsOf = (...sections: string[]) =>
  new Set(sections.flatMap((section) => namesIn(section, /^# ([A-Z][A-Z0-9_]*)=/gm)));

/** The variables that a function reads from the environment that it is given. */
function namesReadBy(reader: (env: Environment) => unknown): string[] {
  const names: string[] = [];
  reader(new Proxy<Environment>({}, { get: (_, name) => void names.push(String(name)) }));
  return names;
}

/** The variables that files read from the process itself. One that is only set is not for users. */
/** On one machine the environment is handed on as `env`. */
const ANY_ENV = /\benv\.([A-Z][A-Z0-9_]*)\b(?!\s*\?\?=)/g;

function namesReadIn(...paths: string[]): string[] {
  const files = paths.flatMap((path) =>
    path.endsWith(".ts")
      ? [path]
      : readdirSync(join(ROOT, path), { recursive: true, encoding: "utf8" }).map((file) => join(path, file)),
  );
  return files
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) =>
      namesIn(
        read(file),
        file.includes("packages/local/") ? ANY_ENV : /process\.env\.([A-Z][A-Z0-9_]*)\b(?!\s*\?\?=)/g,
      ),
    );
}

test("names every variable that a running Tickwork reads, and no other", () => {
  expect(settingsOf(everywhere, oneMachine)).toEqual(
    new Set([...namesReadBy((env) => readConfig(env)), ...namesReadIn("packages", "functions")]),
  );
});

test("marks as valid on AWS exactly those that a deployment hands on to its functions", () => {
  expect(settingsOf(everywhere)).toEqual(new Set(namesReadBy((env) => readSettings(env))));
});

test("names every variable that only the deployment reads, and no other", () => {
  const exported = namesIn(read("docs/deploy.md"), /^ *export ([A-Z][A-Z0-9_]*)=/gm);
  expect(settingsOf(deployment)).toEqual(new Set([...namesReadIn("infra", "sst.config.ts"), ...exported]));
});

test("shows the defaults", () => {
  const values = [...example.matchAll(/^# ([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name, value]) => [
    name,
    value,
  ]);
  expect(readConfig(Object.fromEntries(values) as Environment)).toEqual(readConfig({}));
});
