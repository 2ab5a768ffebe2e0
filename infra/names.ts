/** Names and ARNs. A name is fixed where it must be known before the resource exists. */

/** AWS's tightest limit is that of a role's name, and `-scheduler` is the longest suffix used here. */
const LIMIT = 64 - "-scheduler".length;

/** The prefix of every name (functions, logs, schedules), and the value of the metrics' dimension `service`. */
export const service = `${$app.name}-${$app.stage}`;
if (service.length > LIMIT)
  throw new Error(
    `app and stage must make a name of at most ${LIMIT} characters, got "${service}" with ${service.length}`,
  );

const { accountId } = aws.getCallerIdentityOutput();
const { region } = aws.getRegionOutput();
const { partition } = aws.getPartitionOutput();

export { accountId, partition };

/** The ARN of something in this account and region. */
export function arn(namespace: string, resource: $util.Input<string>): $util.Output<string> {
  return $interpolate`arn:${partition}:${namespace}:${region}:${accountId}:${resource}`;
}
