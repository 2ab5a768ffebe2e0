import type { Parser } from "./parser.ts";

/** An expression as JavaScript. */
export interface Expression {
  readonly js: string;
  /** A call: the JavaScript is the array of its results. */
  readonly isCall?: true;
  /** The JavaScript statement that assigns a value to it. */
  readonly assign?: (value: string) => string;
}

/** Where Lua wants one value: of a call, the first result. */
export const single = ({ js, isCall }: Expression): string => (isCall ? `${js}[0]` : js);

/** A JavaScript array of the values: of a call that comes last, all results. */
export const array = (values: readonly Expression[]): string =>
  `[${values.map((value, at) => (value.isCall && at === values.length - 1 ? `...${value.js}` : single(value)))}]`;

/** How tight an operator holds what is on its left and on its right; `..` groups to the right. */
const PRIORITIES: Readonly<Record<string, readonly [left: number, right: number]>> = Object.fromEntries(
  [["or"], ["and"], ["<", ">", "<=", ">=", "~=", "=="], [".."], ["+", "-"], ["*", "/", "%"]].flatMap(
    (operators, at) => operators.map((operator) => [operator, [at + 1, operator === ".." ? at : at + 1]]),
  ),
);
const UNARY_PRIORITY = 7;

/** An expression whose operators hold tighter than `priority`. */
export function expression(parser: Parser, priority = 0): Expression {
  let left = operand(parser);
  for (;;) {
    const { type, text, line } = parser.peek();
    const [leftPriority, rightPriority] = (type === "symbol" && PRIORITIES[text]) || [0, 0];
    if (leftPriority <= priority) return left;
    parser.take();
    left = { js: binary(text, single(left), single(expression(parser, rightPriority)), line) };
  }
}

export const expressions = (parser: Parser): [Expression, ...Expression[]] =>
  parser.list(() => expression(parser));

/** In the JavaScript, `x` holds the left side until it is known which side is the result. */
function binary(operator: string, left: string, right: string, line: number): string {
  if (operator === "and") return `(lua.truthy(x = ${left}) ? ${right} : x)`;
  if (operator === "or") return `(lua.truthy(x = ${left}) ? x : ${right})`;
  return `lua["${operator}"](${left}, ${right}, ${line})`;
}

function operand(parser: Parser): Expression {
  const { type, text, line } = parser.peek();
  const unary = () => single(expression(parser, UNARY_PRIORITY));
  if (type === "string") return { js: JSON.stringify(parser.take()) };
  if (type === "number") return { js: String(Number(parser.take())) };
  if (parser.accept("nil")) return { js: "undefined" };
  if (parser.accept("true") || parser.accept("false")) return { js: text };
  if (parser.accept("not")) return { js: `!lua.truthy(${unary()})` };
  if (parser.accept("#")) return { js: `lua["#"](${unary()}, ${line})` };
  if (parser.accept("-")) return { js: binary("*", "-1", unary(), line) };
  return parser.accept("{") ? tableConstructor(parser) : suffixed(parser);
}

/** What follows the `{` of `{1, 2, name = 3}`. */
function tableConstructor(parser: Parser): Expression {
  const items: Expression[] = [];
  const fields: string[] = [];
  while (!parser.accept("}")) {
    if (parser.peek().type === "name" && parser.peek(1).text === "=") {
      const key = parser.take();
      parser.expect("=");
      fields.push(`["${key}", ${single(expression(parser))}]`);
    } else items.push(expression(parser));
    if (!parser.accept(",") && !parser.isAt("}")) parser.fail("'}' expected");
  }
  return { js: `lua.table(${array(items)}, [${fields}])` };
}

/** A variable, or an expression in parentheses, with the indexes and calls that follow. */
export function suffixed(parser: Parser): Expression {
  let result = primary(parser);
  for (;;) {
    const { line } = parser.peek();
    if (parser.accept(".")) result = index(result, JSON.stringify(parser.takeName()), line);
    else if (parser.accept("[")) {
      result = index(result, single(expression(parser)), line);
      parser.expect("]");
    } else if (parser.accept("(")) {
      const args = parser.isAt(")") ? [] : expressions(parser);
      parser.expect(")");
      result = { js: `lua.call(${single(result)}, ${array(args)}, ${line})`, isCall: true };
    } else return result;
  }
}

function primary(parser: Parser): Expression {
  const { line } = parser.peek();
  if (parser.accept("(")) {
    const js = single(expression(parser));
    parser.expect(")");
    return { js };
  }
  const name = parser.peek().type === "name" ? parser.take() : parser.fail("unexpected symbol");
  const js = parser.find(name);
  if (js !== undefined) return { js, assign: (value) => `${js} = ${value};` };
  // Libraries are no tables here, so that no script can change one.
  const isLibrary = /^(?:math|redis|string)$/.test(name) && parser.accept(".");
  return { js: `lua.global("${isLibrary ? `${name}.${parser.takeName()}` : name}", ${line})` };
}

function index(table: Expression, key: string, line: number): Expression {
  const path = `${single(table)}, ${key}`;
  return { js: `lua.get(${path}, ${line})`, assign: (value) => `lua.set(${path}, ${value}, ${line});` };
}
