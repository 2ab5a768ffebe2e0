/**
 * Every bound that is not for users to set. A wait, a retry or a size that is limited anywhere in the code is
 * limited by one of these, of those in `lane-limits.ts` and `channel-limits.ts`, or by a value of `config.ts`.
 */

/** Tasks due within this time are cached. */
export const WINDOW_MS = 4 * 60 * 60 * 1000;
/** `task_data` above this stays out of the cache; whatever lists the window gets it from Postgres. */
export const CACHED_DATA_LIMIT_BYTES = 4 * 1024;
/** A row above this, with its error and its history, stays out of it, too. */
export const CACHED_ROW_LIMIT_BYTES = 8 * 1024;
/** The rows that a refresh reads; Neon answers at most 64 MiB. Those beyond come without what they hold. */
export const WINDOW_LIMIT_BYTES = 16 * 1024 * 1024;
/** What `TASK_CACHE_LIMIT` may be: a refresh then takes seconds, and its answer has these bytes and 15 MB of times. */
export const CACHE_LIMIT_MAX = 100_000;
/**
 * A list of tasks, as JSON. Lambda answers at most six megabytes, in which every quote of the body is escaped: twice as
 * much at worst.
 */
export const ANSWER_LIMIT_BYTES = 3_000_000;
/** What `task_data` may have, as JSON. */
export const TASK_DATA_LIMIT_BYTES = 256 * 1024;
/** What a handler's result may have, as JSON; a larger one is cut, never lost silently. */
export const RESULT_LIMIT_BYTES = 256 * 1024;
/** Notes that a task writes at a time, as JSON. */
export const NOTES_LIMIT_BYTES = 256 * 1024;
/** Tasks that one call may make. */
export const BATCH_LIMIT = 1_000;
/** How deep `task_data` may nest; Postgres, and whatever walks through it, has a stack that ends. */
export const JSON_DEPTH_LIMIT = 100;
/** How deep a body may nest for it to be looked at any further. */
export const BODY_DEPTH_LIMIT = 1_000;
/** Arrays and objects in a body: while they are parsed, which takes a tenth of a second, all others wait. */
export const BODY_NESTS_LIMIT = 750_000;
/** Different names of fields in a body: each is a string of its own, and an object of many is slow to parse. */
export const BODY_NAMES_LIMIT = 100_000;
/** The largest body of a request; Lambda takes six megabytes, with what surrounds the body. */
export const BODY_LIMIT_BYTES = 5 * 1024 * 1024;
/** Tasks of a status that are counted one by one; how many more there are is estimated. */
export const COUNT_LIMIT = 10_000;
/** Tasks that an overview reads of each kind: that ended well, that failed, that are due, that will be. */
export const OVERVIEW_SCAN = 10_000;
/** How many parts an overview tells the last hours in, and the next four. */
export const FINISHED_BUCKETS = 48;
export const UPCOMING_BUCKETS = 48;
/** Tasks that a page of a search looks through, the newest first. */
export const SEARCH_SCAN = 10_000;
/** JSON above this, as it is stored, is not searched. */
export const SEARCH_VALUE_BYTES = 16 * 1024;
/** Tasks that one statement of a bulk operation changes, what they hold in bytes as it is stored, and how many it looks at. */
export const BULK_BATCH = 1_000;
export const BULK_BATCH_BYTES = 2_000_000;
export const BULK_SCAN = 10_000;
/** How long a dry run counts. */
export const BULK_COUNT_MS = 5_000;
/** What must be left of an attempt for a bulk operation to begin another batch; else another attempt goes on. */
export const BULK_MARGIN_MS = 20_000;
/** Attempts that it has: each one may use up its time, or meet a Postgres that is away. */
export const BULK_ATTEMPTS = 100;
/** Tasks of a type, of each status, that its recent outcomes are told from; and those of it that are counted. */
export const TYPE_RECENT = 20;
export const TYPE_COUNT_LIMIT = 100;
/** Issues that an error tells; of more, it tells how many there are. */
export const ISSUES_LIMIT = 20;
/** Characters of an issue's path, and of its message: both may repeat what a caller sent. */
export const ISSUE_TEXT_LIMIT = 500;
/** Characters of a type, an attachment's id, a user's id, an idempotency key. */
export const NAME_LIMIT = 255;
/** What `unique_for` may be in seconds, and `longest_wait_seconds`: a year. */
export const UNIQUE_SECONDS_MAX = 31_536_000;
/** How often an insert, or a retry of many, looks anew whose unique keys others take and free at the same time. */
export const UNIQUE_TRIES = 100;
/** What `max_attempts` may be. */
/** Versions of a type. Each one that code can read is a name that goes with a claim. */
export const VERSION_LIMIT = 1_000;
export const MAX_ATTEMPTS_LIMIT = 1_000;
/** How long an idempotency key is remembered. */
export const IDEMPOTENCY_HOURS = 24;

/** Occurrences of a schedule that are made at a time, where so many fall into the window; the first of them to start makes as many. */
export const OCCURRENCES_AHEAD = 50;
/** Occurrences that one statement makes. */
export const OCCURRENCES_PER_STATEMENT = 20_000;
/** Schedules whose times are computed before others get their turn. */
export const PLANS_PER_TURN = 100;
/** Schedules that one refresh makes occurrences for; the others come with the next one, those first that are due first. */
export const SCHEDULES_PER_REFRESH = 10_000;
/**
 * How late an occurrence may start before it counts as missed, and `catch_up` decides. No task may hold a slot of AWS
 * for longer: what merely waited for its turn was not missed.
 */
export const MISSED_AFTER_MS = 15 * 60 * 1000;
/** Occurrences that nobody made in time and `catch_up: all` makes: the latest ones. */
export const CATCH_UP_LIMIT = 1_000;
/** What `every_seconds` may be: a year. */
export const EVERY_SECONDS_LIMIT = 366 * 86_400;
/** Characters of a cron expression. */
export const CRON_LIMIT = 200;
/** The next times of a schedule that are told. */
export const NEXT_TIMES = 5;
/** Added to the time at which a queued occurrence looks again whether the one before has ended. */
export const QUEUE_MARGIN_MS = 1_000;
/** When one looks again that is behind another one which waits: that one wakes it, unless two processes die. */
export const QUEUE_BEHIND_MS = 15 * 60 * 1000;
/** When one looks that is the first to wait from now on. */
export const QUEUE_FIRST_LOOK_MS = 60_000;
/** API keys that a deployment may have: all of them are read, and kept in memory, together. */
export const KEYS_LIMIT = 100;
/** How long a process goes by the keys that it read: a key that was withdrawn stops by then. */
export const KEYS_KNOWN_MS = 60_000;
/** How soon it reads them again for a key that is not among them: a new key works by then. */
export const KEYS_LOOK_AGAIN_MS = 1_000;
/** How long they stay in Redis. A change removes them; where Redis could not be told, this bounds what it costs. */
export const KEYS_CACHED_SECONDS = 600;
/** How long one may take to read or to change keys in Postgres before another fills the cache. */
export const KEYS_LEASE_MS = 30_000;
/** How exactly the last use of a key is kept: more often, each call would wake Postgres. */
export const KEY_USED_STEP_MS = 60 * 60 * 1000;
/** Entries of the audit log that are kept at most, and for how long. */
export const AUDIT_LIMIT = 10_000;
export const AUDIT_DAYS = 365;
/** Entries that leave with each new one. */
export const AUDIT_TRIM = 10;
/** How often it is said that requests cannot be counted. */
export const LIMIT_WARNED_MS = 60_000;
/** Requests a minute to which a limit may be set: they are counted in whole milliseconds. */
export const RATE_LIMIT_MAX = 60_000;
/** How long somebody stays signed in. */
export const SESSION_MS = 8 * 60 * 60 * 1000;
/** A lease for rows that another program sets to `Running`, and for the operator's flag. */
export const FOREIGN_LEASE_MS = 15 * 60 * 1000;
/** How long an attempt may take when its type says nothing; and on Lambda, at most. */
export const DEFAULT_TIMEOUT_MS = 750_000;
/** What Lambda gives a function. */
export const LAMBDA_LIMIT_MS = 900_000;
/** How long a task waits whose encryption key is missing, before it is looked at again. */
export const ENCRYPTION_KEY_PAUSE_MS = 5 * 60 * 1000;
/** How long an aborted handler may take to settle before its process is given up. */
export const ABORT_GRACE_MS = 5_000;
/** Settled tasks that a tick gathers before it tells Redis; while they are fewer, it does so with each renewal. */
export const STANDINGS_PER_FLUSH = 250;
/** Tasks that a batch holds when its type says nothing, and at most. */
export const RUN_BATCH_SIZE = 1_000;
export const RUN_BATCH_SIZE_MAX = 1_000;
/** So many ends of a batch are enough for a statement, whatever its size. */
export const RUN_BATCH_PORTION = 250;
/** How long after it ended a task of a batch is settled when its type says nothing, and at most. */
export const SETTLE_WITHIN_MS = 200;
export const SETTLE_WITHIN_MAX_MS = 1_000;
/** What a statement of a batch carries: the rows that it leases, and the results that it writes. */
export const RUN_BATCH_BYTES = 2_000_000;
/** A batch leases no more than it runs in this time at its pace: what waits in it, no other slot can run. */
export const RUN_BATCH_AHEAD_MS = 1_000;
/** Ids that looked due, checked by one empty claim. */
export const SEEN_LIMIT = 1_000;
/** How long a lease that ended, or a task that is due, may wait before `tickwork doctor` asks why. */
export const OVERDUE_MS = 60_000;
/** How long after its due time a task of an unknown type is shown to every tick: one of another deployment may have it. */
export const UNKNOWN_TYPE_MS = 120_000;
/** Tasks, those due for longest, among which the stats count without a cache what waits for code. */
export const UNKNOWN_COUNTED = 100;
/**
 * Tasks that are left to others are looked for among so many times as many as the cache takes. Otherwise a refresh
 * would read all that waits to find none of them.
 */
export const LEFT_SCAN = 10;
/** After a nudge that told nothing new, when to look again: what it was about may not have been committed yet. */
export const LOOK_AGAIN_MS = 5_000;
/**
 * A transaction of a user that enqueues: how far ahead the ring is that looks for what it committed, should its process
 * die; how often that ring is renewed while the transaction is open, and for how long. A commit that is under way when
 * its process dies has the difference of the first two to arrive.
 */
export const ARMED_MS = 10_000;
export const ARM_AGAIN_MS = 5_000;
export const ARMED_LIMIT_MS = 15 * 60 * 1000;
/** How soon to ask whether it has ended, when nobody says so; the pause doubles up to that of the ring's renewal. */
export const ENDED_PAUSE_MS = 500;
/** What a pause may say about itself, in characters. */
export const PAUSE_REASON_LIMIT = 1_000;
/**
 * After a pause has ended, when Postgres is asked once more: whoever saw the pause before, with a query that took its
 * time, has told the cache by then.
 */
export const RESUMED_LOOK_MS = 20_000;
/** Empty claims in a row that end a tick. */
export const EMPTY_CLAIMS = 3;
/** After that, when to look again at tasks that look due and cannot be had. */
export const EMPTY_CLAIMS_PAUSE_MS = 15_000;
/** After a tick that failed, when the next one tries; the pause doubles while ticks fail in a row. */
export const FAILED_TICK_PAUSE_MS = 15_000;
export const FAILED_TICK_PAUSE_MAX_MS = 60_000;
/** On AWS, rings that only look whether something is over come at multiples of this, together. */
export const LOOK_STEP_MS = 15_000;
/** Added to the end of a flag or a lease before looking whether its holder lives. */
export const EXPIRY_MARGIN_MS = 1_000;
/** A task that starts so much after it was due is late, and says why. */
export const LATE_MS = 1_000;
/** What the doorbell may be late by: a schedule is precise to a minute, and is set a minute early. */
export const WAKE_UP_MS = 120_000;
/** Clocks that differ by less agree, as far as a doorbell that is precise to a minute can tell. */
export const CLOCKS_AGREE_MS = 30_000;
/** How long after its wake-up a sleeper is taken for dead. */
export const SLEEPER_MARGIN_MS = 5_000;
/** Types that go with a claim by name; of more, Postgres keeps the list. */
export const TYPES_SENT = 200;
/** How often a handler's progress is written at most. */
export const PROGRESS_INTERVAL_MS = 1_000;
/** Kept of a task's failed attempts. */
export const HISTORY_LIMIT = 20;
/** Kept of a stack trace. */
export const STACK_LIMIT = 4_000;

/** One query; Neon needs half a second to wake. */
export const POSTGRES_TIMEOUT_MS = 15_000;
/** What a handler reads at a time. */
export const READ_ROWS_LIMIT_MS = 60_000;
/** One statement of a migration, such as the building of an index; Neon's proxy ends it after 15 seconds all the same. */
export const MIGRATION_TIMEOUT_MS = 240_000;
/** What must be left of the time for a migration to begin another statement, and to say what became of it. */
export const MIGRATION_MARGIN_MS = 20_000;
/** Rows that one statement of a migration changes. */
export const MIGRATION_BATCH = 1_000;
/** Attempts to build an index before somebody else must. */
export const INDEX_TRIES = 3;
/** How long a migrator waits for whoever builds an index; a vacuum, which has the same lock, makes way after a second. */
export const INDEX_LOCK_MS = 2_000;
/** How long the removal of an index that was not finished may wait: everybody else waits behind it. */
export const INDEX_DROP_MS = 500;
/** Finished tasks that one statement deletes: the locks and the log of a thousand rows are a matter of moments. */
export const DELETE_BATCH = 1_000;
/** Days after which finished tasks may be deleted; more than a century exceeds what Postgres can subtract from now. */
export const RETENTION_DAYS_MAX = 36_500;
/** Of the finished tasks of a type, the oldest ones that tell whether any is old enough. */
export const RETENTION_PROBE = 10;
/** How long a refresh goes on to delete what is too old; the next one goes on. Its function has two minutes. */
export const RETENTION_LIMIT_MS = 30_000;
/** One Redis request. */
export const REDIS_TIMEOUT_MS = 3_000;
/** What a start gives Postgres, and Redis, to be reached; then their address is taken for wrong. */
export const START_CONNECT_LIMIT_MS = 10_000;
/** Repetitions of a Redis request that met a network failure; all of them within its time limit. */
export const REDIS_RETRIES = 2;
/** After a failure of Redis, how long Postgres stands in for it. */
export const REDIS_PAUSE_MS = 5_000;
/** A request that may be repeated is tried this often. */
export const TRANSIENT_ATTEMPTS = 4;
export const TRANSIENT_BACKOFF_MS = 100;
export const TRANSIENT_BACKOFF_MAX_MS = 2_000;

/** How long a removed id is remembered in the cache, so that an older write cannot bring it back. */
export const TOMBSTONE_MS = 120_000;
/** A refresh that takes longer than this from reading to writing is refused by the cache. */
export const REFRESH_LIMIT_MS = 60_000;
/** Tasks that one Redis request carries into the cache. */
export const PUT_CHUNK = 500;
/** Members of each of its sets that one Redis request reads. */
export const COMPARE_PAGE = 2_500;
/** Tasks that are due soon, for a refresh to go by the cache alone; when there are more, Postgres is awake. */
export const VOUCHED_LIMIT = 1_000;
/** Ids that one Redis request removes from it. */
export const FORGET_CHUNK = 2_000;

/** The first pause before a failed task is tried again; it doubles each time. */
export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_MAX_MS = 60 * 60 * 1000;
/** The longest pause that a handler may ask for. */
export const RETRY_LIMIT_MS = 10 * 365 * 86_400_000;

/** A ring on AWS with all its tries. Its caller waits no longer than that; the next refresh rings again. */
export const RING_LIMIT_MS = 5_000;
/**
 * The SDK's tries when it is throttled, or the service or the connection fails. Its pauses between them, of a random
 * length, are three seconds at most.
 */
export const RING_TRIES = 3;
/** One of these tries: until there is a connection, and until it is answered. */
export const RING_CONNECT_LIMIT_MS = 1_000;
export const RING_ANSWER_LIMIT_MS = 2_000;
/** How often EventBridge tries again to deliver a wake-up, and for how long, as Lambda its calls; then it is a dead letter. */
export const WAKE_UP_RETRIES = 10;
export const WAKE_UP_AGE_SECONDS = 60 * 60;

/** How long a monitor waits for an answer. */
export const HEALTH_LIMIT_MS = 5_000;

/** How often `waitForTaskCompletion` looks. */
export const WAIT_POLL_MS = 250;

/** Between two looks at a task whose result is waited for: the first pause, which doubles each time, and the longest. */
export const RESULT_PAUSE_MS = 100;
export const RESULT_PAUSE_MAX_MS = 2_000;
/** How long a result is waited for when nobody says, and at most. */
export const RESULT_TIMEOUT_MS = 60_000;
export const RESULT_LIMIT_MS = 24 * 60 * 60 * 1000;
