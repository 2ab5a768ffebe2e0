/** `--extensions` loads extensions in TypeScript, as it loads the tasks. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { NAMES, openProject, type Project, tasksModule } from "../support/cli/cli.ts";

let project: Project;
beforeEach(() => {
  project = openProject({ PORT: "0" });
  project.write("names.ts", NAMES);
  project.write("tasks.ts", tasksModule("Hello"));
  project.write(
    "ext/hooks/note/index.ts",
    `import { hooksService } from "tickwork/compat";

interface Written { data: { type: string } }

hooksService.registerHook("baasix_Tasks", "items.create.after", async ({ data }: Written) => {
  console.log("hooked", data.type);
  return data;
});
`,
  );
});
afterEach(() => project.close());

test.each([
  ["dev", ["dev"]],
  ["start", ["start", "--embedded"]],
])("%s", async (_, args) => {
  const server = project.start([...args, "--extensions", "./ext"]);
  const [, url = ""] = await server.wrote(/address +(\S+)\n/);
  await project.run(["enqueue", "failing", "--url", url]);
  await server.wrote(/hooked failing/);
  server.child.kill("SIGTERM");
  expect((await server.ended).code).toBe(0);
});
