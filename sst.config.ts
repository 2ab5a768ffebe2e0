/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  app({ stage }) {
    const production = stage === "production";
    return {
      name: "tickwork",
      version: "4.17.1",
      home: "aws",
      // Production's databases outlive it; any other stage leaves nothing behind.
      removal: production ? "retain" : "remove",
      protect: production,
      providers: {
        aws: {
          region: (process.env.AWS_REGION ?? "us-east-1") as "us-east-1",
          version: "7.20.0",
          defaultTags: { tags: { "sst:app": "tickwork", "sst:stage": stage } },
        },
        // They need credentials only in a stage that creates its own databases.
        neon: { package: "@sst-provider/neon", version: "0.13.0" },
        upstash: { package: "@upstash/pulumi", version: "0.5.0" },
      },
    };
  },
  async run() {
    const { deploy } = await import("./infra/component.ts");
    const { stores } = await import("./infra/stores.ts");
    const options = { tasks: "packages/tasks/index.ts", ...stores() };
    const { api, scheduleGroup, nodes } = deploy(options, "functions");
    return {
      api: api.url,
      // The name. Its value is a secret: docs/deploy.md says how to read it.
      apiKey: "TickworkApiKey",
      scheduleGroup,
      tick: nodes.tick.name,
    };
  },
});
