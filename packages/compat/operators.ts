/**
 * Sequelize's operators. They are its own symbols (it registers them globally), so an `Op` that was imported from
 * Sequelize itself works as well.
 *
 * @example await TasksModel.findAll({ where: { scheduled_time: { [Op.lte]: new Date() } } });
 */
export const Op = {
  and: Symbol.for("and"),
  or: Symbol.for("or"),
  not: Symbol.for("not"),
  is: Symbol.for("is"),
  eq: Symbol.for("eq"),
  ne: Symbol.for("ne"),
  gt: Symbol.for("gt"),
  gte: Symbol.for("gte"),
  lt: Symbol.for("lt"),
  lte: Symbol.for("lte"),
  between: Symbol.for("between"),
  notBetween: Symbol.for("notBetween"),
  in: Symbol.for("in"),
  notIn: Symbol.for("notIn"),
  like: Symbol.for("like"),
  notLike: Symbol.for("notLike"),
  iLike: Symbol.for("iLike"),
  notILike: Symbol.for("notILike"),
} as const;

export type Operator = keyof typeof Op;

const names = new Map<symbol, Operator>(
  Object.entries(Op).map(([name, symbol]) => [symbol, name as Operator]),
);

/** The name of one of ours; undefined for any other. */
export function operatorOf(symbol: symbol): Operator | undefined {
  return names.get(symbol);
}

/** `Op.a, Op.b, …`, for messages. */
export function listed(operators: readonly Operator[] = [...names.values()]): string {
  return operators.map((name) => `Op.${name}`).join(", ");
}
