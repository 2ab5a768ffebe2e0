/// <reference path="../../../.sst/platform/config.d.ts" />

/** An app whose databases are AWS's own, in its VPC: what docs/deploy.md shows. */
export default $config({
  app() {
    return { name: "tickwork", home: "aws", removal: "remove" };
  },
  async run() {
    const { deploy } = await import("../../../infra/component.ts");
    const vpc = new sst.aws.Vpc("Vpc", { nat: "managed" });
    const postgres = new sst.aws.Postgres("Postgres", { vpc });
    const redis = new sst.aws.Redis("Redis", { vpc, engine: "valkey", cluster: false });

    const encoded = (password?: $util.Output<string>) => password?.apply(encodeURIComponent) ?? "";
    const database = $interpolate`postgres://${postgres.username}:${encoded(postgres.password)}@${postgres.host}:${postgres.port}/${postgres.database}`;
    const cache = $interpolate`rediss://${redis.username}:${encoded(redis.password)}@${redis.host}:${redis.port}`;
    deploy(
      { tasks: "packages/tasks/index.ts", vpc, database: { url: database }, redis: { url: cache } },
      "functions",
    );

    // In place of the NAT gateway.
    for (const name of ["lambda", "scheduler"])
      new aws.ec2.VpcEndpoint(`Tickwork-${name}`, {
        vpcId: vpc.id,
        serviceName: `com.amazonaws.us-east-1.${name}`,
        vpcEndpointType: "Interface",
        privateDnsEnabled: true,
        subnetIds: vpc.privateSubnets,
        securityGroupIds: vpc.securityGroups,
      });
  },
});
