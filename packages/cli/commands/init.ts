import type { Command } from "commander";
import { initialised } from "../format.ts";
import { example } from "../help.ts";
import { addIgnored, addScript, createIfAbsent, readProject, type Step } from "../init/project.ts";
import { ENV_EXAMPLE, tasksTemplate } from "../init/templates.ts";
import { createOutput } from "../output.ts";

export function addInit(program: Command): void {
  const command = program
    .command("init")
    .description(
      "write tasks.ts, .env.example and a script into the project of this folder; nothing is overwritten",
    )
    .action((_: unknown, self: Command) => init(self.optsWithGlobals()));
  example(command, "npx tickwork init");
}

function init({ json = false }: { json?: boolean }): void {
  const project = readProject(process.cwd());
  const steps: Step[] = [
    createIfAbsent(project, "tasks.ts", tasksTemplate(project)),
    createIfAbsent(project, ".env.example", ENV_EXAMPLE),
    addScript(project, "tasks", "tickwork dev --tasks ./tasks.ts"),
    ...addIgnored(project, ".tickwork"),
  ];
  createOutput({ json }).result({ steps, install: project.missing, run: project.run("tasks") }, () =>
    initialised(steps, project.missing, project.run("tasks"), project.install(project.missing)),
  );
}
