/** Stands in for the package `node-schedule`: a job runs when the test says. */
export default {
  scheduleJob: (rule, run) => ({ rule, run }),
};
