/** The stages of a suite. */
import { afterAll, beforeAll } from "vitest";
import { FUNCTIONS } from "../../../scripts/bundle.ts";
import { buildPackages, type Packages } from "./package.ts";
import { openStage, type Stage, type StageOptions } from "./stage.ts";

/**
 * For the head of a `describe`: builds the functions once, and takes away everything at the end.
 *
 * @param tasks a registry in place of the one that ships
 * @returns what opens a stage
 */
export function useStages(tasks?: string): (options?: StageOptions) => Promise<Stage> {
  const stages: Stage[] = [];
  let packages: Packages;
  beforeAll(async () => {
    packages = await buildPackages(FUNCTIONS, tasks);
  });
  afterAll(async () => {
    await Promise.all(stages.map((stage) => stage.close()));
    await packages.remove();
  });
  return async (options = {}) => {
    const stage = await openStage(packages, options);
    stages.push(stage);
    return stage;
  };
}
