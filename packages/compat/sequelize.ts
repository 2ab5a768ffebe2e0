import { TasksModel } from "./model.ts";
import { Op } from "./operators.ts";

const sequelize = { models: { baasix_Tasks: TasksModel }, Sequelize: { Op } };

/**
 * Baasix's Sequelize, as far as code about tasks uses it: the model of tasks, and the operators.
 *
 * @example
 * const sequelize = getSequelize();
 * const { Op } = sequelize.Sequelize;
 * await sequelize.models.baasix_Tasks.findAll({ where: { scheduled_time: { [Op.lte]: new Date() } } });
 */
export function getSequelize(): typeof sequelize {
  return sequelize;
}
