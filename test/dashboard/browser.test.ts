/** The dashboard in Chromium, as people use it. */
import { describe } from "vitest";
import { chromiumPath } from "../support/dashboard/chromium.ts";
import { openTheatre } from "../support/dashboard/theatre.ts";
import { accessCases } from "./cases/access.ts";
import { limitsCases } from "./cases/limits.ts";
import { operatingCases } from "./cases/operating.ts";
import { tasksCases } from "./cases/tasks.ts";
import { wholeCases } from "./cases/whole.ts";

if (!chromiumPath)
  console.warn("\nSKIPPED the dashboard in a browser: there is no Chromium; CHROMIUM_PATH may name one.\n");

describe.skipIf(!chromiumPath)("the dashboard in Chromium", () => {
  const theatre = openTheatre();
  accessCases(theatre);
  tasksCases(theatre);
  operatingCases(theatre);
  limitsCases(theatre);
  wholeCases(theatre);
});
