import type { Job } from "./node-schedule.js";

declare const job: Job;
export default job;
