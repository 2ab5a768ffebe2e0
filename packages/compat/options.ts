import { mustBe, quote, refusal } from "../core/errors.ts";
import type { Column, Columns } from "./columns.ts";
import type { Condition, Ordering, Query } from "./sql.ts";
import { columnNamed, conditionOf, type Where } from "./where.ts";

/** What the finders take. */
export interface FindOptions {
  /** Absent: every row. */
  where?: Where | undefined;
  /**
   * A column, or a list of columns, each alone or with its direction.
   *
   * @example [["scheduled_time", "DESC NULLS LAST"], "id"]
   */
  order?: string | readonly (string | readonly string[])[] | undefined;
  limit?: number | undefined;
  offset?: number | undefined;
  /** Only these columns, or all but some. Absent: all. */
  attributes?: readonly string[] | { exclude: readonly string[] } | undefined;
}

/** Options of Sequelize that change nothing here: accepted and ignored. */
const WITHOUT_EFFECT = ["raw", "logging", "benchmark", "validate", "individualHooks", "paranoid"];

/**
 * Rejects unknown options that would change what happens: a `transaction`, for one, cannot span HTTP requests, and a
 * caller must not believe that it did.
 */
export function checkOptions(options: unknown, accepted: readonly string[]): void {
  if (options === undefined || options === null) return;
  if (typeof options !== "object") throw refusal("options", mustBe("an object", options));
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || accepted.includes(name) || WITHOUT_EFFECT.includes(name)) continue;
    throw refusal("options", `must have only ${accepted.join(", ")}, got ${quote(name)}`);
  }
}

/** Checks the options of a finder. @throws TickworkError that names what is not acceptable and what is */
export function queryOf(columns: Columns, options: FindOptions = {}): Query {
  checkOptions(options, ["where", "order", "limit", "offset", "attributes"]);
  return {
    where: whereOf(columns, options),
    order: orderOf(columns, options.order),
    limit: countOf(options.limit, "limit"),
    offset: countOf(options.offset, "offset"),
    attributes: attributesOf(columns, options.attributes),
  };
}

export function whereOf(columns: Columns, { where }: Pick<FindOptions, "where">): Condition {
  return where === undefined || where === null ? { kind: "and", of: [] } : conditionOf(columns, where);
}

/**
 * The `where` of a write, which is required: without one, every row would match.
 *
 * @throws TickworkError as Sequelize throws
 */
export function neededWhere(columns: Columns, options: { where: Where } | undefined): Condition {
  checkOptions(options, ["where", "returning"]);
  if (options?.where === undefined || options.where === null)
    throw refusal("", "Missing where attribute in the options parameter");
  return conditionOf(columns, options.where);
}

function orderOf(columns: Columns, order: FindOptions["order"]): Ordering[] {
  if (order === undefined || order === null) return [];
  const entries = typeof order === "string" ? [order] : order;
  if (!Array.isArray(entries)) throw refusal("order", mustBe("a list of columns", order));
  return entries.map((entry): Ordering => {
    const [name, direction = "ASC", ...more] = typeof entry === "string" ? [entry] : entry;
    const column = columnNamed(columns, name, "order");
    const words = DIRECTION.exec(direction);
    if (!words || more.length > 0)
      throw refusal(
        `order.${column.name}`,
        mustBe("ASC or DESC, perhaps with NULLS FIRST or NULLS LAST", [direction, ...more].join(", ")),
      );
    const [, way, nulls] = words.map((word) => word?.toLowerCase());
    return {
      column,
      descending: way === "desc",
      nulls: nulls === "first" || nulls === "last" ? nulls : undefined,
    };
  });
}

const DIRECTION = /^(ASC|DESC)(?: NULLS (FIRST|LAST))?$/i;

function countOf(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  throw refusal(name, mustBe("a whole number from 0", value));
}

function attributesOf(columns: Columns, attributes: FindOptions["attributes"]): Column[] | undefined {
  if (attributes === undefined || attributes === null) return undefined;
  const named = (names: readonly unknown[]) => names.map((name) => columnNamed(columns, name, "attributes"));
  if (Array.isArray(attributes) && attributes.length > 0) return named(attributes);
  if ("exclude" in attributes && Array.isArray(attributes.exclude) && Object.keys(attributes).length === 1) {
    const excluded = new Set(named(attributes.exclude));
    return [...columns.values()].filter((column) => !excluded.has(column));
  }
  throw refusal("attributes", mustBe("a list of columns, or { exclude: a list of columns }", attributes));
}
