/** What the schemas of what callers give have in common. */
import * as v from "valibot";
import { mustBe } from "../errors.ts";
import { isStorable, STORABLE_TEXT } from "./storable.ts";

/** A schema's message for a value that is not what it must be. */
export const accepts = (what: string) => (issue: v.BaseIssue<unknown>) => mustBe(what, issue.input);

/** A text that Postgres can keep. */
export const storable = v.check(isStorable, accepts(STORABLE_TEXT));
