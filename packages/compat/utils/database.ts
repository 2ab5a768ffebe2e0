/** `tickwork/compat/utils/database`: as extensions import Baasix's own. */
export { getSequelize } from "../sequelize.ts";
