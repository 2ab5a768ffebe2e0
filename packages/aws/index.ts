export { postgresOnly, prefixOf, runtime, type Secrets, useWires, type Wires } from "./runtime.ts";
