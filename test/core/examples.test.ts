import { describeExamples, GREET } from "../support/examples.ts";

describeExamples("core", {
  given: {
    tasks: "import('#core').Tasks",
    schedules: "import('#core').Schedules",
    operator: "import('#core').Operator",
    insight: "import('#core').Insight",
    worker: "import('#core').Worker",
    database: "import('#core').Database",
    redis: "import('#core').RedisCommands",
    postgresDriver: "import('#core').PostgresDriver",
    redisDriver: "import('#core').RedisDriver",
    connection: "{ result(task: number): Promise<unknown> }",
    doorbell: "import('#core').Doorbell",
    log: "import('#core').Logger",
    signal: "AbortSignal",
    notes: "import('#core').TaskNotes",
    enqueue: "import('#core').Enqueuer['enqueue']",
    enqueueMany: "import('#core').Enqueuer['enqueueMany']",
    greet: GREET,
  },
});
