import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { serversAnswer } from "../../scripts/local-servers.ts";
import { assault, describeReport } from "../support/hostile/assault.ts";
import { openTarget, STACKS } from "../support/hostile/targets.ts";

const REQUESTS = { valid: 60, hostile: 250 };
const TEST_LIMIT_MS = 120_000;

for (const stack of STACKS)
  test.skipIf(stack === "real" && !serversAnswer)(
    `${stack}: whatever is sent, it is answered as described, and nobody else has to wait`,
    async () => {
      const seed = Number(process.env.HOSTILE_SEED ?? randomInt(2 ** 31));
      const target = await openTarget(stack);
      const report = await assault(target, { seed, ...REQUESTS }).finally(() => target.close());
      const described = `${stack}, seed ${seed}: ${describeReport(report)}`;
      console.log(described);
      expect(report.findings, described).toEqual([]);
    },
    TEST_LIMIT_MS,
  );
