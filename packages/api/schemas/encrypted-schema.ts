import * as v from "valibot";
import { CONTENT } from "../../core/tasks/task.ts";

/** Of a task or a schedule. */
export const encryptedField = {
  encrypted: v.exactOptional(
    v.pipe(
      v.array(v.picklist(CONTENT)),
      v.description(
        "What of it is encrypted where it is kept; without write or admin, it is `[encrypted]` here.",
      ),
    ),
  ),
};
