/** Answers the calls that SST's components make to the CLI that runs them. */
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import {
  type BuildRequest,
  type Bundle,
  bundleHandler,
  type NodeProperties,
} from "../../../scripts/bundle.ts";
import { ACCOUNT, REGION } from "./mocks.ts";

interface RuntimeBuild extends BuildRequest {
  functionID: string;
  /** What is linked to the function, in the clear. The real CLI encrypts it into the package. */
  links: Record<string, unknown>;
}

export type Build = Bundle & {
  /** The bundling options that SST was given. */
  nodejs: NodeProperties;
  links: string[];
};

export interface Rpc {
  url: string;
  /** By function name. */
  builds: Record<string, Build>;
}

/** @param folder where the bundles go */
export async function serveRpc(root: string, folder: string): Promise<Rpc> {
  const builds: Record<string, Build> = {};
  const methods: Record<string, (params: unknown) => unknown> = {
    "Provider.Aws.Bootstrap": () => ({
      asset: "sst-asset",
      state: "sst-state",
      assetEcrRegistryId: ACCOUNT,
      assetEcrUrl: `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/sst-asset`,
    }),
    "Runtime.Build": async (params) => {
      const request = params as RuntimeBuild;
      const out = join(folder, request.functionID);
      await mkdir(out, { recursive: true });
      const bundle = await bundleHandler(root, request, out);
      builds[request.functionID] = {
        ...bundle,
        nodejs: request.properties,
        links: Object.keys(request.links),
      };
      return { handler: bundle.handler, out, errors: [], sourcemaps: bundle.sourcemaps };
    },
  };

  const server = createServer(async (request, response) => {
    // An idle connection would keep the process alive.
    response.setHeader("connection", "close");
    try {
      const { method, params } = JSON.parse(await textOf(request)) as { method: string; params: unknown[] };
      const answer = methods[method];
      if (!answer) throw new Error(`no answer to ${method}`);
      response.end(JSON.stringify({ result: await answer(params[0]) }));
    } catch (error) {
      response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, builds };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}
