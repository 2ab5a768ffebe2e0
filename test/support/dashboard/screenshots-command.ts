/** `npm run dashboard:screenshots`: takes the pictures of the dashboard in `docs/screenshots`. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../scripts/bundle.ts";
import { openChromium } from "./chromium.ts";
import { settled } from "./page.ts";
import { addOperations, addPresent, KEY, openStage, pauseRequests } from "./stage.ts";

/** All of them go to a folder that is named; without one, those that documents show. */
const [, , given] = process.argv;
const folder = given ?? join(ROOT, "docs/screenshots");
const KEPT = /^(overview|tasks|task|type|schedules|operator|access|docs)-(1440-light|360-dark)|^overview-/;
mkdirSync(folder, { recursive: true });
const stage = await openStage({ ended: 900 });
await addOperations(stage);
await pauseRequests(stage);
const { failed, running } = await addPresent(stage);
const browser = await openChromium();
const SHOTS = [
  ["overview", "#/"],
  ["tasks", "#/tasks"],
  ["failed", "#/tasks?status=Error"],
  ["waiting", "#/tasks?status=Not+started&sort=due"],
  ["task", `#/tasks/${failed}`],
  ["running", `#/tasks/${running}`],
  ["types", "#/types"],
  ["type", "#/types/send_report"],
  ["schedules", "#/schedules"],
  ["schedule", "#/schedules/nightly%20report"],
  ["new-schedule", "#/schedules?new=true"],
  ["edit-schedule", "#/schedules/ping%20the%20partner?edit=true"],
  ["operator", "#/operator"],
  ["access", "#/access"],
  ["audit", "#/audit"],
  ["docs", "docs"],
] as const;
try {
  for (const [width, height] of [
    [1440, 960],
    [360, 780],
  ] as const)
    for (const colorScheme of ["light", "dark"] as const) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme });
      const page = await context.newPage();
      page.on("console", (message) => message.type() === "error" && console.error(message.text()));
      page.on("pageerror", (error) => console.error(error));
      const save = async (name: string, fullPage = true) => {
        const file = `${name}-${width}-${colorScheme}.png`;
        if (given || KEPT.test(file)) await page.screenshot({ path: join(folder, file), fullPage });
      };
      await page.goto(stage.url);
      await page.waitForSelector("form");
      await save("sign-in");
      await page.fill("#key", KEY);
      await page.keyboard.press("Enter");
      await settled(page);
      for (const [name, hash] of SHOTS) {
        await page.goto(`${stage.url}/${hash}`);
        await settled(page);
        await save(name, !["tasks", "waiting", "failed", "docs"].includes(name));
      }
      await context.close();
    }
} finally {
  await browser.close();
  await stage.close();
}
