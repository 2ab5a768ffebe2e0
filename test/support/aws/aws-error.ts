/** What the stand-ins of AWS refuse with, as the services name it. */
export class AwsError extends Error {
  override readonly name = "AwsError";
  readonly code: string;
  readonly status: number;

  constructor(code: keyof typeof STATUS, message: string) {
    super(message);
    this.code = code;
    this.status = STATUS[code];
  }
}

const STATUS = {
  ValidationException: 400,
  InvalidRequestContentException: 400,
  InvalidParameterValueException: 400,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  ConflictException: 409,
  RequestEntityTooLargeException: 413,
  ThrottlingException: 429,
  TooManyRequestsException: 429,
  InternalServerException: 500,
  ServiceUnavailableException: 503,
} as const;

/** A value that breaks a constraint of the service's model, in AWS's words. */
export function constraint(field: string, value: unknown, rule: string): AwsError {
  const shown =
    value === undefined ? "null" : `'${typeof value === "string" ? value : JSON.stringify(value)}'`;
  return new AwsError(
    "ValidationException",
    `1 validation error detected: Value ${shown} at '${field}' failed to satisfy constraint: ${rule}`,
  );
}
