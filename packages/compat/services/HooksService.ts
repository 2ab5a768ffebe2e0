/** `tickwork/compat/services/HooksService`: as extensions import Baasix's own. */
export { hooksService as default } from "../services.ts";
