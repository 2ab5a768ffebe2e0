import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Where systems have it; `CHROMIUM_PATH` says where it is elsewhere. */
const PLACES = [
  process.env.CHROMIUM_PATH ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Undefined when this machine has none. */
export const chromiumPath = PLACES.find((path) => path !== "" && existsSync(path));

export function openChromium(): Promise<Browser> {
  if (!chromiumPath) throw new Error(`Chromium must be at one of ${PLACES.filter(Boolean).join(", ")}.`);
  return chromium.launch({
    executablePath: chromiumPath,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-gpu"],
  });
}
