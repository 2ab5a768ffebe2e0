import * as v from "valibot";
import type { ErrorCode } from "#core";

/** An error with one of these codes. */
export const errorSchema = (codes: ErrorCode[]) =>
  v.object({
    error: v.object({
      code: v.picklist(codes),
      message: v.pipe(v.string(), v.description("For people; its words may change.")),
      issues: v.pipe(
        v.optional(v.array(v.object({ path: v.string(), message: v.string() }))),
        v.description("Each value that is not acceptable, and what it must be."),
      ),
    }),
  });
