/**
 * The process that serves in `tickwork dev`. It loads the tasks and says how that went; it serves when it is told to,
 * and so what was found to be good is what runs. It stops when it is told to, or when whoever watches is gone.
 */
import type { Environment, Logger } from "#core";
import { messageOf } from "../../core/errors.ts";
import { closeAndExit } from "../../local/serve.ts";
import { type Server, startServer } from "../../local/server.ts";
import { FAILED } from "../failure.ts";
import { extensionsIn, type LoadedTasks, loadTasks, TasksError } from "../load-tasks.ts";
import type { FromServer, ToServer } from "./messages.ts";

export interface DevServerOptions {
  tasks: string;
  extensions: string | undefined;
  env: Environment;
  log: Logger;
}

export async function runDevServer({ tasks, extensions, env, log }: DevServerOptions): Promise<void> {
  let loaded: LoadedTasks | undefined;
  let server: Server | undefined;
  const stop = () => (server ? void closeAndExit(server, log) : process.exit(0));
  // A terminal sends it to both processes. The other one says when this one stops.
  process.on("SIGINT", () => {});
  process.once("SIGTERM", stop);
  process.once("disconnect", stop);
  const serve = async ({ definitions, types }: LoadedTasks) => {
    server = await startServer({ env, log, definitions, ...(await extensionsIn(extensions)) });
    const { url, apiKey, embedded, allowed } = server;
    send({ event: "serving", server: { url, apiKey, embedded, allowed }, types });
  };
  process.on("message", (message: ToServer) => {
    if (message === "stop") stop();
    else if (loaded)
      serve(loaded).catch((error: unknown) => {
        console.error(messageOf(error));
        process.exit(FAILED);
      });
  });
  try {
    loaded = await loadTasks(tasks);
    send({ event: "loaded", files: loaded.files });
  } catch (error) {
    send({
      event: "failed",
      message: messageOf(error),
      files: error instanceof TasksError ? error.files : [],
    });
    process.exitCode = FAILED;
    // Without it, nothing keeps this process alive but what the tasks have begun.
    process.disconnect?.();
  }
}

const send = (message: FromServer) => void process.send?.(message);
