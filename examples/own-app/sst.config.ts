/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  app({ stage }) {
    const production = stage === "production";
    return {
      name: "own-app",
      version: "4.17.1",
      home: "aws",
      removal: production ? "retain" : "remove",
      protect: production,
      providers: { aws: { region: "us-east-1", version: "7.20.0" } },
    };
  },
  async run() {
    const { tickwork } = await import("tickwork/sst");
    const { api, apiKey } = tickwork({ tasks: "src/tasks.ts" });

    // The rest of the app: here, a function that creates tasks.
    const signUp = new sst.aws.Function("SignUp", {
      handler: "src/sign-up.handler",
      link: [api, apiKey],
      url: true,
    });
    return { signUp: signUp.url, tasks: api.url };
  },
});
