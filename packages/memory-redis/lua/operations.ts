import { fail, LuaTable, type LuaValue, toNumber, toText, typeName } from "./values.ts";

/** What the JavaScript of a script calls, as `lua`; operators under the names that they have in Lua. */
export type Operations = ReturnType<typeof createOperations>;

const less = comparison((a, b) => a < b);
const lessOrEqual = comparison((a, b) => a <= b);

export const createOperations = (globals: ReadonlyMap<string, LuaValue>) => ({
  global: (name: string, line: number): LuaValue =>
    globals.get(name) ?? fail(`Script attempted to access nonexistent global variable '${name}'`, line),
  truthy: (value: LuaValue): boolean => value !== undefined && value !== false,
  table: (list: LuaValue[], fields: [LuaValue, LuaValue][]) => new LuaTable(list, fields),
  get: (table: LuaValue, key: LuaValue, line: number): LuaValue =>
    table instanceof LuaTable ? table.entries.get(key) : refuse("index", table, line),
  set(table: LuaValue, key: LuaValue, value: LuaValue, line: number): void {
    if (!(table instanceof LuaTable)) refuse("index", table, line);
    else if (key === undefined) fail("table index is nil", line);
    else table.set(key, value);
  },
  call: (callee: LuaValue, args: LuaValue[], line: number): LuaValue[] =>
    typeof callee === "function" ? callee(args, line) : refuse("call", callee, line),
  /** The first number of a `for`, its limit and its step. */
  bounds: (values: LuaValue[], line: number): number[] =>
    values.map(
      (value, at) =>
        toNumber(value) ?? fail(`'for' ${["initial value", "limit", "step"][at]} must be a number`, line),
    ),

  "#": (value: LuaValue, line: number): number =>
    typeof value === "string" || value instanceof LuaTable
      ? value.length
      : refuse("get length of", value, line),
  "..": (a: LuaValue, b: LuaValue, line: number): string =>
    (toText(a) ?? refuse("concatenate", a, line)) + (toText(b) ?? refuse("concatenate", b, line)),
  "+": arithmetic((a, b) => a + b),
  "-": arithmetic((a, b) => a - b),
  "*": arithmetic((a, b) => a * b),
  "/": arithmetic((a, b) => a / b),
  "%": arithmetic((a, b) => a - Math.floor(a / b) * b),
  "==": (a: LuaValue, b: LuaValue): boolean => a === b,
  "~=": (a: LuaValue, b: LuaValue): boolean => a !== b,
  "<": less,
  "<=": lessOrEqual,
  ">": (a: LuaValue, b: LuaValue, line: number): boolean => less(b, a, line),
  ">=": (a: LuaValue, b: LuaValue, line: number): boolean => lessOrEqual(b, a, line),
});

const refuse = (operation: string, value: LuaValue, line: number): never =>
  fail(`attempt to ${operation} a ${typeName(value)} value`, line);

function arithmetic(compute: (a: number, b: number) => number) {
  const operand = (value: LuaValue, line: number) =>
    toNumber(value) ?? refuse("perform arithmetic on", value, line);
  return (a: LuaValue, b: LuaValue, line: number) => compute(operand(a, line), operand(b, line));
}

function comparison(holds: (a: number | string, b: number | string) => boolean) {
  return (a: LuaValue, b: LuaValue, line: number): boolean => {
    if (typeof a === "number" && typeof b === "number") return holds(a, b);
    if (typeof a === "string" && typeof b === "string") return holds(a, b);
    const [left, right] = [typeName(a), typeName(b)];
    return fail(
      `attempt to compare ${left === right ? `two ${left} values` : `${left} with ${right}`}`,
      line,
    );
  };
}
