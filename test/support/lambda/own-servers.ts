/** Functions on a Postgres and a Redis of one's own, with TLS: this machine's, with a certificate that a test makes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase, POSTGRES_PORT, REDIS_PORT } from "../../../scripts/local-servers.ts";
import { certificate, openTlsFront, TLS_HOST, type TlsFront } from "../drivers/tls-front.ts";
import type { DeploymentParts } from "./deployment.ts";

export interface OwnServers {
  stores: DeploymentParts["stores"];
  postgres: TlsFront;
  redis: TlsFront;
  close(): Promise<void>;
}

/** @param sslmode what the address of Postgres says of TLS; by default nothing */
export async function openOwnServers(sslmode?: string): Promise<OwnServers> {
  const { url, drop } = await createDatabase();
  const postgres = await openTlsFront(POSTGRES_PORT, "postgres");
  const redis = await openTlsFront(REDIS_PORT, "redis");
  const folder = await mkdtemp(join(tmpdir(), "tickwork-tls-"));
  const certificates = join(folder, "ca-cert.pem");
  await writeFile(certificates, certificate.cert);
  const address = Object.assign(new URL(url), { hostname: TLS_HOST, port: String(postgres.port) });
  if (sslmode) address.searchParams.set("sslmode", sslmode);
  return {
    stores: {
      databaseUrl: address.href,
      redis: { url: `rediss://${TLS_HOST}:${redis.port}`, token: "" },
      // Where Lambda has Amazon's.
      env: { NODE_EXTRA_CA_CERTS: certificates },
    },
    postgres,
    redis,
    async close() {
      await Promise.all([postgres.close(), redis.close()]);
      await drop();
      await rm(folder, { recursive: true });
    },
  };
}
