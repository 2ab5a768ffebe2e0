import { formatFixed } from "../numbers.ts";
import { compilePattern } from "./pattern.ts";
import { fail, type LuaFunction, LuaTable, type LuaValue, toNumber, toText, typeName } from "./values.ts";

/** A call of a library function. Positions of arguments count from 1, as in Lua's messages. */
interface Call {
  readonly name: string;
  readonly args: LuaValue[];
  readonly line: number;
}

const refuse = ({ name, line }: Call, position: number, reason: string): never =>
  fail(`bad argument #${position} to '${name}' (${reason})`, line);

function expected(type: string, call: Call, position: number): never {
  const given = position > call.args.length ? "no value" : typeName(call.args[position - 1]);
  return refuse(call, position, `${type} expected, got ${given}`);
}

const numberAt = (call: Call, position: number): number =>
  toNumber(call.args[position - 1]) ?? expected("number", call, position);
const indexAt = (call: Call, position: number, fallback: number): number =>
  call.args[position - 1] === undefined ? fallback : Math.trunc(numberAt(call, position));
const textAt = (call: Call, position: number): string =>
  toText(call.args[position - 1]) ?? expected("string", call, position);
const tableAt = (call: Call, position: number): LuaTable => {
  const value = call.args[position - 1];
  return value instanceof LuaTable ? value : expected("table", call, position);
};

/** Not `Math.min`, to which NaN is less than all. */
const min = (call: Call): LuaValue[] => [
  call.args.map((_, at) => numberAt(call, at + 1)).reduce((a, b) => (b < a ? b : a), numberAt(call, 1)),
];

/** The function that a `for` calls until it answers nothing. Unlike Lua's, it keeps its place itself. */
const iterator = (entries: Iterator<LuaValue[], undefined>): LuaValue[] => [() => entries.next().value ?? []];

/** As many values as fit on Lua's stack. */
const MAX_UNPACKED = 7999;

function unpack(call: Call): LuaValue[] {
  const table = tableAt(call, 1);
  const first = indexAt(call, 2, 1);
  const length = Math.max(0, indexAt(call, 3, table.length) - first + 1);
  if (length > MAX_UNPACKED) fail("too many results to unpack", call.line);
  return Array.from({ length }, (_, at) => table.entries.get(first + at));
}

/** Knows `%s` and, with a precision, `%f`. */
function format(call: Call): LuaValue[] {
  let position = 1;
  const fill = (item: string, digits = "6") => {
    if (item === "%%") return "%";
    position++;
    if (item === "%s") return textAt(call, position);
    if (item.endsWith("f")) return formatFixed(numberAt(call, position), Number(digits));
    return fail(`invalid option '${item}' to 'format'`, call.line);
  };
  return [textAt(call, 1).replace(/%(?:\.(\d\d?))?./gs, fill)];
}

function match(call: Call): LuaValue[] {
  const [text, pattern] = [textAt(call, 1), compilePattern(textAt(call, 2))];
  if (pattern === undefined) return refuse(call, 2, "not all of Lua's patterns are known");
  const [whole, ...captures] = pattern.exec(text) ?? [];
  return captures.length > 0 ? captures : [whole];
}

function sub(call: Call): LuaValue[] {
  const text = textAt(call, 1);
  const fromStart = (position: number) => (position < 0 ? position + text.length + 1 : position);
  const [first, last] = [fromStart(indexAt(call, 2, 1)), fromStart(indexAt(call, 3, -1))];
  return [text.slice(Math.max(0, first - 1), Math.max(0, last))];
}

/** What scripts use of Lua's own functions. */
const FUNCTIONS: Readonly<Record<string, (call: Call) => LuaValue[]>> = {
  ipairs: (call) => iterator(tableAt(call, 1).list()),
  "math.floor": (call) => [Math.floor(numberAt(call, 1))],
  "math.min": min,
  pairs: (call) => iterator(tableAt(call, 1).entries.entries()),
  "string.format": format,
  "string.match": match,
  "string.sub": sub,
  tonumber: (call) =>
    call.args.length > 1 ? refuse(call, 2, "only base 10 is known") : [toNumber(call.args[0])],
  tostring: ({ args: [value] }) => [
    toText(value) ?? (typeof value === "boolean" ? `${value}` : typeName(value)),
  ],
  unpack,
};

/** The same, as scripts call them. Messages have the last part of a name. */
export const library: readonly [string, LuaFunction][] = Object.entries(FUNCTIONS).map(([path, run]) => {
  const name = path.replace(/^.*\./, "");
  return [path, (args, line) => run({ name, args, line })];
});
