/** How suites are named after the stack that they run on. */
export const STACK_NAMES = {
  embedded: "on the embedded stack",
  "real servers": "on real servers",
} as const;
