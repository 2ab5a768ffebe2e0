/** What things are called. Names are fixed where somebody has to know them before they exist. */

/** A role's name is the shortest of AWS's limits, and `-scheduler` the longest ending that is given here. */
const LIMIT = 64 - "-scheduler".length;

/** Begins every name: of the functions, their logs, the schedules, and the metrics' dimension `service`. */
export const service = `${$app.name}-${$app.stage}`;
if (service.length > LIMIT)
  throw new Error(
    `The names of the app and its stage make "${service}", ${service.length} characters; at most ${LIMIT} are possible.`,
  );

const { accountId } = aws.getCallerIdentityOutput();
const { region } = aws.getRegionOutput();
const { partition } = aws.getPartitionOutput();

export { accountId };

/** The ARN of something in this account and region. */
export function arn(namespace: string, resource: $util.Input<string>): $util.Output<string> {
  return $interpolate`arn:${partition}:${namespace}:${region}:${accountId}:${resource}`;
}
