/**
 * `npm run sbom`: what a user of the package gets of other people's work, as CycloneDX, on standard output. npm lists what
 * is installed; what is part of our files is a development dependency to it, and would be missing.
 */
import { execFileSync } from "node:child_process";
import { ROOT } from "./execute.ts";
import { shippedPackages } from "./shipped.ts";

interface Bom {
  components: { name: string; version: string; "bom-ref": string }[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

const text = execFileSync("npm", ["sbom", "--package-lock-only", "--sbom-format", "cyclonedx"], {
  cwd: ROOT,
  encoding: "utf8",
  maxBuffer: 64 * 1024 * 1024,
});
const bom = JSON.parse(text) as Bom;
const shipped = new Set(shippedPackages().map(({ name, version }) => `${name}@${version}`));
const components = bom.components.filter(({ name, version }) => shipped.has(`${name}@${version}`));
const refs = new Set(components.map((one) => one["bom-ref"]));
const dependencies = bom.dependencies
  .filter(({ ref }) => refs.has(ref) || !bom.components.some((one) => one["bom-ref"] === ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
console.log(JSON.stringify({ ...bom, components, dependencies }, null, 2));
