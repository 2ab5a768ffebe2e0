/** `npm run licences`: the licence of each package that users of Tickwork get. Fails where one is not on the list. */
import { optionalPackages, shippedPackages, withOtherLicences } from "./shipped.ts";

const lists = {
  "installed, or part of the files": shippedPackages(),
  "installed where wanted": optionalPackages(),
};
for (const [title, packages] of Object.entries(lists)) {
  console.log(`\n${title}:`);
  for (const { name, version, licence } of packages)
    console.log(`  ${name} ${version}  ${licence ?? "none"}`);
}
const others = withOtherLicences(Object.values(lists).flat());
if (others.length > 0) {
  console.error(`\nnot on the list in scripts/shipped.ts: ${others.map(({ name }) => name).join(", ")}`);
  process.exitCode = 1;
}
