import { array, expression, expressions, single, suffixed } from "./expressions.ts";
import { createParser, type Parser } from "./parser.ts";

/** The JavaScript of a script: the body of a function of `lua`, its operations, that returns its results. */
export function translate(source: string): string {
  const parser = createParser(source);
  const body = statements(parser);
  if (!parser.isAt("<eof>")) parser.fail("'<eof>' expected");
  return `"use strict"; let x;\n${body}\nreturn [];`;
}

const isAtBlockEnd = (parser: Parser): boolean => parser.isAt("else", "elseif", "end", "<eof>");

/** Statements up to the word that ends their block, a line each. */
function statements(parser: Parser): string {
  const lines: string[] = [];
  for (let isLast = false; !isLast && !isAtBlockEnd(parser); ) {
    isLast = parser.isAt("return");
    lines.push(statement(parser));
    parser.accept(";");
  }
  return lines.join("\n");
}

function statement(parser: Parser): string {
  if (parser.accept("local"))
    return parser.accept("function") ? localFunction(parser) : localVariables(parser);
  if (parser.accept("if")) return branches(parser);
  if (parser.accept("while")) return `while (${condition(parser)}) ${loopBody(parser)}`;
  if (parser.accept("for")) return forLoop(parser);
  if (parser.accept("return")) return `return ${isAtBlockEnd(parser) ? "[]" : array(expressions(parser))};`;
  return assignmentOrCall(parser);
}

const condition = (parser: Parser): string => `lua.truthy(${single(expression(parser))})`;

const block = (parser: Parser): string => parser.inScope(() => `{\n${statements(parser)}\n}`);

function loopBody(parser: Parser): string {
  parser.expect("do");
  const body = block(parser);
  parser.expect("end");
  return body;
}

function localVariables(parser: Parser): string {
  const names = parser.list(parser.takeName);
  const values = parser.accept("=") ? expressions(parser) : [];
  // Declared only now: in `local n = n + 1` the second `n` is an outer one.
  return `let [${names.map(parser.declare)}] = ${array(values)};`;
}

function localFunction(parser: Parser): string {
  const name = parser.declare(parser.takeName());
  const body = parser.inScope(() => {
    parser.expect("(");
    const parameters = parser.isAt(")") ? [] : parser.list(parser.takeName);
    parser.expect(")");
    return `let [${parameters.map(parser.declare)}] = args;\n${statements(parser)}`;
  });
  parser.expect("end");
  return `let ${name} = (args) => {\n${body}\nreturn [];\n};`;
}

/** What follows `if` or `elseif`. */
function branches(parser: Parser): string {
  const test = condition(parser);
  parser.expect("then");
  const js = `if (${test}) ${block(parser)}`;
  if (parser.accept("elseif")) return `${js} else ${branches(parser)}`;
  const otherwise = parser.accept("else") ? ` else ${block(parser)}` : "";
  parser.expect("end");
  return js + otherwise;
}

/** What follows `for`. Variables of the script have a `$` in JavaScript; ours have none. */
function forLoop(parser: Parser): string {
  const { line } = parser.peek();
  const names = parser.list(parser.takeName);
  const isNumeric = names.length === 1 && parser.accept("=");
  if (!isNumeric) parser.expect("in");
  const values = expressions(parser);
  const [first, limit, step = "1"] = values.map(single);
  if (isNumeric && limit === undefined) parser.fail("',' expected");
  return parser.inScope(() => {
    const variables = names.map(parser.declare);
    const body = loopBody(parser);
    return isNumeric
      ? `for (let [n, limit, step] = lua.bounds([${first}, ${limit}, ${step}], ${line});
          step > 0 ? n <= limit : n >= limit; n += step) { let ${variables} = n; ${body} }`
      : `for (let [next, state, key] = ${array(values)};;) {
          let [${variables}] = lua.call(next, [state, key], ${line});
          if ((key = ${variables[0]}) === undefined) break;
          ${body} }`;
  });
}

function assignmentOrCall(parser: Parser): string {
  const first = suffixed(parser);
  if (first.isCall) return `${first.js};`;
  const targets = parser.accept(",") ? [first, ...parser.list(() => suffixed(parser))] : [first];
  parser.expect("=");
  const moves = targets.map(
    ({ assign = () => parser.fail("only local variables and fields can be set") }, at) =>
      assign(`values[${at}]`),
  );
  return `{ const values = ${array(expressions(parser))}; ${moves.reverse().join(" ")} }`;
}
