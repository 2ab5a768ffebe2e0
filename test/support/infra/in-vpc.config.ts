/// <reference path="../../../.sst/platform/config.d.ts" />

/** An app with networks: one for `all` functions, another for `tick`, or both, as IN_VPC says. */
export default $config({
  app() {
    return { name: "tickwork", home: "aws", removal: "remove" };
  },
  async run() {
    const { deploy } = await import("../../../infra/component.ts");
    const all = { privateSubnets: ["subnet-1", "subnet-2"], securityGroups: ["sg-1"] };
    const own = { privateSubnets: ["subnet-3"], securityGroups: ["sg-3"] };
    const chosen = (process.env.IN_VPC ?? "").split(" ");
    deploy(
      {
        tasks: "packages/tasks/index.ts",
        ...(chosen.includes("all") && { vpc: all }),
        ...(chosen.includes("tick") && { tick: { vpc: own } }),
      },
      "functions",
    );
  },
});
