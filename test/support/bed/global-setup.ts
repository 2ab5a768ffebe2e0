import { rmSync } from "node:fs";
import { serversAnswer } from "./servers.ts";
import { makeTemplate } from "./template.ts";

export default async function setup() {
  const template = await makeTemplate();
  process.env.TICKWORK_TEMPLATE = template;
  if (!serversAnswer)
    console.warn(
      "No PostgreSQL at 127.0.0.1:5432 or no Redis at 127.0.0.1:6379: the suites named «… on real servers» are skipped.",
    );
  return () => rmSync(template, { recursive: true, force: true });
}
