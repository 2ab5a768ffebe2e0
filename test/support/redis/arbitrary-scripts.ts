import fc from "fast-check";

/** Random scripts. The numbers that they start from are arguments, so that no compiler computes them beforehand. */

const NUMBERS = 4;
const number = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
  fc.integer({ min: -400, max: 400 }).map((eighths) => eighths / 8),
  fc.tuple(fc.integer({ min: 0, max: 999 }), fc.integer({ min: -30, max: 30 })).map(([n, e]) => n * 10 ** e),
);

const evaluation = (prelude: string, body: fc.Arbitrary<string>) =>
  fc
    .tuple(body, fc.array(number, { minLength: NUMBERS, maxLength: NUMBERS }))
    .map(([script, numbers]) => ["EVAL", `${prelude} ${script}`, "1", ":k", ...numbers.map(String)]);

const argument = fc.integer({ min: 1, max: NUMBERS }).map((index) => `v[${index}]`);

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    argument,
    fc
      .tuple(tie("expression"), fc.constantFrom("+", "-", "*", "/", "%"), tie("expression"))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    tie("expression").map((inner) => `(-${inner})`),
    tie("expression").map((inner) => `math.floor(${inner})`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `math.min(${a}, ${b})`),
  ),
}));

const printed = fc.oneof(
  expression.map((inner) => `tostring(${inner})`),
  expression.map((inner) => `(${inner}) .. ''`),
  // Redis reads `nan` as a number.
  expression.map((inner) => `tostring(tonumber(tostring(${inner})) or 'nan')`),
  fc
    .tuple(fc.constantFrom("%s", "%.0f", "%.1f", "%.3f", "%f", "%.17f"), expression)
    .map(([format, inner]) => `string.format('${format}', ${inner})`),
  fc
    .tuple(expression, fc.constantFrom("<", "<=", ">", ">=", "==", "~="), expression)
    .map(([left, operator, right]) => `tostring(${left} ${operator} ${right})`),
  // A number on its way into a command.
  expression.map((inner) => `(redis.call('SET', KEYS[1], ${inner}) and redis.call('GET', KEYS[1]))`),
  // As a reply, where it loses its fraction.
  expression,
);

/** An EVAL of a script that computes and prints. */
export const computingScript = evaluation(
  "local v = {} for i, a in ipairs(ARGV) do v[i] = tonumber(a) end",
  fc.array(printed, { minLength: 1, maxLength: 6 }).map((items) => `return {${items.join(", ")}}`),
);

/**
 * Tables have no holes, for `#` may answer anything then. Arithmetic yields no NaN: its text has a sign in Redis, which
 * JavaScript does not know of, and a script may compare texts. `a` stays a table, `b` a string, `c` a number; `d` and
 * `e` may become anything.
 */
const PRELUDE = `
local a, b, c, d, e = {1, 'x', 3, n = 2}, 'k:17|z', tonumber(ARGV[1]), false
local steps = 0
local function real(x) if x ~= x then return 0 end return x end
local function f(x, y) steps = steps + 1 return y, x, steps end
local function list(t) local s = '' for i, x in ipairs(t) do s = s .. i .. (x == true and 'yes' or x) .. ';' end return s end`;

const text = (...parts: (string | fc.Arbitrary<string>)[]) =>
  fc
    .tuple(...parts.map((part) => (typeof part === "string" ? fc.constant(part) : part)))
    .map((strings) => strings.join(" "));
const one = (...choices: string[]) => fc.constantFrom(...choices);
const pick = (...choices: fc.Arbitrary<string>[]) =>
  fc.oneof({ maxDepth: 4, withCrossShrink: true }, ...choices);

const { any, block } = fc.letrec<
  Record<"any" | "number" | "string" | "table" | "statement" | "block", string>
>((tie) => {
  const [any, number, string, table, block] = [
    tie("any"),
    tie("number"),
    tie("string"),
    tie("table"),
    tie("block"),
  ];
  /** Now and then a value of another type, for Lua's errors. */
  const mostly = (value: fc.Arbitrary<string>) =>
    fc.oneof({ weight: 40, arbitrary: value }, { weight: 1, arbitrary: text("(", any, ")") });
  const numeric = mostly(number);
  const textual = mostly(fc.oneof(string, number));
  const pattern = one("^(%d+)", ":(%d+)$", "(.-)|(.*)$", "%a", "%s*$", "^k:?%w-", "^%d+:%d+:(%a+)", "%.$");
  return {
    number: pick(
      one("c", "0", "1", "2.5", "0x10", "1e3"),
      // Not of two literals, which Lua 5.1 computes when it compiles, taking 0 and -0 for the same.
      text("real(", one("c", "#b", "#a"), one("+", "-", "*", "/"), numeric, ")"),
      one("-c"),
      text("#", mostly(pick(string, table))),
      text("(tonumber((", any, ")) or 7)"),
      text("math.floor(", numeric, ")"),
    ),
    string: pick(
      one("b", "'3'", "' 0x10 '", "'x|'", String.raw`'a\n\65\''`, '"\\"é"'),
      text("(", textual, "..", textual, ")"),
      text("string.sub(", textual, ",", one("1", "2", "-3", "0", "9"), ",", one("-1", "3", "-2", "0"), ")"),
      text("(string.match(", textual, ", '", pattern, "') or '?')"),
      text("list(", mostly(table), ")"),
    ),
    table: pick(
      one("a", "{}"),
      text("{", fc.oneof(string, number), ", n =", one("b", "c", "d"), ", f(", number, ",", string, ")}"),
      text("{", string, ", 5, string.match('k:17|z', '(.-)|(.*)$') }"),
    ),
    any: pick(
      number,
      string,
      table,
      one("nil", "true", "false", "d", "e", "f", "a.n"),
      text("a[", any, "]"),
      text("(", any, one("and", "or", "==", "~="), any, ")"),
      text("(", numeric, one("<", "<=", ">", ">="), numeric, ")"),
      text("(", string, one("<", ">="), string, ")"),
      text("not", any),
      text("f(", any, ",", any, ")"),
      text("unpack(", mostly(table), ")"),
    ),
    statement: pick(
      text("c =", numeric),
      text("b =", mostly(string)),
      text(one("d =", "e =", "local d =", "local e =", "a.n =", "a[b] ="), any),
      text(one("d, e =", "local e, d =", "b, c = 'y', 5, "), any, ",", any, ";"),
      text("a[#a + 1] = (", any, ") or 0"),
      text("f(", any, ")"),
      text("if", any, "then", block, "elseif", any, "then", block, "else", block, "end"),
      text("for i =", one("1, 3", "3, 1, -1", "0.5, 2, 0.5", "1, '2'"), "do", block, "c = c + i end"),
      text("for k, x in pairs({n = ", any, "}) do", block, "b = k end"),
      text("while", any, "do", block, "steps = steps + 1 if steps > 9 then return steps end end"),
      text("local function g(c, e)", block, "return", any, "end d = g(c)"),
    ),
    block: fc
      .array(tie("statement"), { maxLength: 3, depthIdentifier: "block" })
      .map((list) => list.join(" ")),
  };
});

/** An EVAL of a script with loops, functions and tables. */
export const branchingScript = evaluation(
  PRELUDE,
  text(block, block, "return {b, c, steps, list(a), d or 0,", any, "}"),
);
