import fc from "fast-check";

/** Random scripts that compute and print, with the numbers they start from as arguments. */

/**
 * The numbers come in as arguments `v[1]`, `v[2]` …, so that both compilers leave the arithmetic to run
 * time: Lua 5.1 mixes up the constants 0 and -0.
 */
const ARGUMENTS = 4;
const PRELUDE = "local v = {} for i, a in ipairs(ARGV) do v[i] = tonumber(a) end";

const argument = fc.integer({ min: 1, max: ARGUMENTS }).map((index) => `v[${index}]`);

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    argument,
    fc
      .tuple(tie("expression"), fc.constantFrom("+", "-", "*", "/", "%"), tie("expression"))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    tie("expression").map((inner) => `(-${inner})`),
    tie("expression").map((inner) => `math.floor(${inner})`),
    tie("expression").map((inner) => `math.abs(${inner})`),
    tie("expression").map((inner) => `tonumber(tostring(${inner}))`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `math.max(${a}, ${b})`),
  ),
}));

const numberFormat = fc
  .tuple(
    fc.constantFrom("", "-", "+", " ", "0", "-+"),
    fc.constantFrom("", "1", "8", "20"),
    fc.constantFrom("", ".0", ".1", ".3", ".14", ".17"),
    fc.constantFrom("d", "e", "f", "g", "G"),
  )
  .map((parts) => `%${parts.join("")}`);

const format = fc.oneof(numberFormat, fc.constantFrom("%s", "%20s", "%-20s"));

const printed = fc.oneof(
  expression.map((inner) => `tostring(${inner})`),
  expression.map((inner) => `(${inner}) .. ''`),
  fc.tuple(format, expression).map(([text, inner]) => `string.format('${text}', ${inner})`),
  fc.tuple(expression, expression).map(([a, b]) => `${a} < ${b}`),
  fc.tuple(expression, expression).map(([a, b]) => `${a} == ${b}`),
  // A number on its way into a command, and as a reply of its own.
  expression.map((inner) => `redis.call('ECHO', ${inner})`),
  expression.map((inner) => `math.abs(${inner}) < 2^53 and ${inner}`),
  expression.map((inner) => `select(2, pcall(cjson.encode, {${inner}}))`),
);

const number = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
  fc.integer({ min: -400, max: 400 }).map((eighths) => eighths / 8),
  fc.tuple(fc.integer({ min: 0, max: 999 }), fc.integer({ min: -30, max: 30 })).map(([n, e]) => n * 10 ** e),
);

/** An EVAL of a script that prints some expressions. */
export const computingScript = fc
  .tuple(
    fc.array(printed, { minLength: 1, maxLength: 6 }),
    fc.array(number, { minLength: ARGUMENTS, maxLength: ARGUMENTS }),
  )
  .map(([items, numbers]) => [
    "EVAL",
    `${PRELUDE} return {${items.map((item) => `${item} or 'no'`).join(", ")}}`,
    "0",
    ...numbers.map(String),
  ]);

/** Objects have one key: the order of more is Lua's hash's own, and known to differ. */
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false),
    number.filter(Number.isFinite),
    fc.string({ unit: "grapheme", maxLength: 10 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 5 }), tie("value"), { maxKeys: 1 }),
  ),
})).value;

/** An EVAL that decodes a JSON text and encodes it again; sometimes the text is broken. */
export const jsonScript = fc
  .tuple(
    json.map((value) => JSON.stringify(value)),
    fc.nat({ max: 400 }),
  )
  .map(([text, cut]) => [
    "EVAL",
    "return cjson.encode(cjson.decode(ARGV[1]))",
    "0",
    cut < 20 ? text.slice(cut) : text,
  ]);
