/**
 * Records every resource that the program registers. Pulumi's mocks see only inputs; the rest, such as dependencies and
 * protection, passes through the monitor that calls them.
 */

/** A resource as the program asked for it. */
export interface Recorded {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  /** The names of the resources that must exist before it. */
  dependsOn: string[];
  protect: boolean;
  retainOnDelete: boolean;
}

export interface Recording {
  resources: Recorded[];
  /** The properties and type of what can be linked, by name. */
  links: Record<string, Record<string, unknown>>;
}

/** The messages of Pulumi's engine, as far as they are used here. */
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getCustom(): boolean;
  getObject(): Struct;
  getDependenciesList(): string[];
  getProtect(): boolean;
  getRetainondelete(): boolean;
}
interface OutputsRequest {
  getUrn(): string;
  getOutputs(): Struct;
}
interface Struct {
  toJavaScript(): Record<string, unknown>;
}
export interface Monitor {
  registerResource(request: RegisterRequest, done: unknown): unknown;
  registerResourceOutputs(request: OutputsRequest, done: unknown): unknown;
}

export function record(monitor: Monitor): Recording {
  const recording: Recording = { resources: [], links: {} };
  const { registerResource, registerResourceOutputs } = monitor;
  monitor.registerResource = function (request, done) {
    if (request.getCustom())
      recording.resources.push({
        type: request.getType(),
        name: request.getName(),
        inputs: plain(request.getObject().toJavaScript()) as Record<string, unknown>,
        dependsOn: request.getDependenciesList().map(nameOf),
        protect: request.getProtect(),
        retainOnDelete: request.getRetainondelete(),
      });
    return registerResource.call(this, request, done);
  };
  monitor.registerResourceOutputs = function (request, done) {
    const { properties, target } = plain(request.getOutputs().toJavaScript()) as Record<string, unknown>;
    if (request.getUrn().includes("sst:sst:LinkRef::"))
      recording.links[String(target)] = properties as Record<string, unknown>;
    return registerResourceOutputs.call(this, request, done);
  };
  return recording;
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

/** The key that marks a value wrapped by Pulumi, and the signature of a secret. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Unwraps secrets. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if (SIGNATURE in value)
    return value[SIGNATURE] === SECRET && "value" in value
      ? plain(value.value)
      : { wrapped: value[SIGNATURE] };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
