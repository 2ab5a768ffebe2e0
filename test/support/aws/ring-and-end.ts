/** A process that rings in every way and is then at its end. Says how long it had to wait for that. */
import { silent } from "#core";
import { createAwsDoorbell } from "../../../packages/aws/doorbell.ts";

const { TICK_ARN = "", GROUP = "", ROLE_ARN = "" } = process.env;
const doorbell = createAwsDoorbell({ tickArn: TICK_ARN, groupName: GROUP, roleArn: ROLE_ARN, log: silent });
// By the world's clock, the schedules of a test whose clock stands still are past or to come; each is one request.
await Promise.all([
  doorbell.ring(),
  doorbell.ringAt({ atMs: Date.parse("2099-11-24T09:10:00Z"), inMs: 600_000 }),
  doorbell.ringAfter(Date.parse("2099-11-24T09:10:00Z") - Date.now()),
]);
const rungAt = performance.now();
process.once("exit", () => console.log(JSON.stringify({ lingeredMs: performance.now() - rungAt })));
