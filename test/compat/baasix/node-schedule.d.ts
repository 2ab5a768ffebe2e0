/** A job that was scheduled: its cron rule, and its function for the test to call. */
export interface Job {
  rule: string;
  run: () => Promise<void>;
}

declare const schedule: { scheduleJob(rule: string, run: () => Promise<void>): Job };
export default schedule;
