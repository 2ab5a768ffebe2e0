import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";

/**
 * What a schema accepts, as JSON Schema; null when its library cannot say. Valibot's is rendered here; of others it is
 * taken, if they implement Standard JSON Schema.
 *
 * @example jsonSchemaOf(v.object({ to: v.string() })); // { type: "object", properties: { to: … }, … }
 */
export function jsonSchemaOf(schema: StandardSchemaV1 | undefined): Record<string, unknown> | null {
  if (!schema) return null;
  const standard: StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props> = schema["~standard"];
  try {
    if (standard.jsonSchema) return standard.jsonSchema.input({ target: "draft-2020-12" });
    if (standard.vendor !== "valibot") return null;
    // What JSON Schema cannot express, the check of the task's data tells.
    return { ...toJsonSchema(schema as v.GenericSchema, { errorMode: "ignore", typeMode: "input" }) };
  } catch {
    return null;
  }
}
