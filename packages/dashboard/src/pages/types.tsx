import type { Client, Limit, TypeInfo } from "#client";
import { CreateForm } from "../create-form.tsx";
import { durationOf, plural } from "../format.ts";
import { termsOf } from "../limits.tsx";
import { useLive } from "../live.ts";
import { Card, Empty, Failure, Json, Loading } from "../parts.tsx";
import { linkTo } from "../router.ts";
import { may } from "../session.ts";

const PAGE = 50;
const RUNS = {
  here: ["Runs here", "completed"],
  elsewhere: ["Runs in another program", "plain"],
  nowhere: ["Waits for code", "failed"],
} as const;

function Runs({ runs }: Pick<TypeInfo, "runs">) {
  const [text, kind] = RUNS[runs];
  return <span class={`chip ${kind}`}>{text}</span>;
}

export function TypesPage({ query }: { query: URLSearchParams }) {
  const after = query.get("after") ?? undefined;
  const { data, error, reload } = useLive(`types ${after}`, (client, signal) =>
    withLimits(client, signal, client.types({ limit: PAGE, after, signal })),
  );
  return (
    <>
      <h1>Types</h1>
      {error !== undefined && <Failure error={error} retry={reload} />}
      {!data && error === undefined && <Loading lines={6} />}
      {data?.types.length === 0 && (
        <Empty title="No type is registered">
          Export one from <code>tasks.ts</code>, and it appears here.
        </Empty>
      )}
      <ul class="types">
        {data?.types.map((type) => (
          <li key={type.type} class="card">
            <header>
              <h2>
                <a href={linkTo(["types", type.type])}>{type.type}</a>
              </h2>
              <Runs runs={type.runs} />
            </header>
            <Recent recent={type.recent} />
            <p class="muted">
              {[
                type.running > 0 && `${type.running} running`,
                `${waitingOf(type)} waiting`,
                atMost(limitOf(data.limits, type.type)),
                type.median_ms !== null && `takes ${durationOf(type.median_ms)}`,
              ]
                .filter(Boolean)
                .join(" · ")}
            </p>
          </li>
        ))}
      </ul>
      <nav class="pager" aria-label="Pages of types">
        {after && (
          <a class="button" href="#/types">
            First
          </a>
        )}
        {data?.next && (
          <a class="button" href={linkTo(["types"], { after: data.next })}>
            More
          </a>
        )}
      </nav>
    </>
  );
}

/** As many as are counted. */
const MOST_COUNTED = 100;
const waitingOf = ({ waiting }: TypeInfo) =>
  waiting >= MOST_COUNTED ? `${MOST_COUNTED} or more` : String(waiting);

/** The last outcomes, the oldest first, as small marks. */
function Recent({ recent }: Pick<TypeInfo, "recent">) {
  if (recent.length === 0) return <p class="recent muted">None has ended yet</p>;
  const failed = recent.filter(({ completed }) => !completed).length;
  return (
    <div class="recent" role="img" aria-label={`Of the last ${recent.length}, ${failed} failed`}>
      {[...recent].reverse().map(({ id, completed }) => (
        <span
          key={id}
          class={completed ? "completed" : "failed"}
          title={`Task ${id} ${completed ? "completed" : "failed"}`}
        />
      ))}
    </div>
  );
}

export function TypePage({ type }: { type: string }) {
  const {
    data: info,
    error,
    reload,
  } = useLive(`type ${type}`, (client, signal) => withLimits(client, signal, client.type(type, { signal })));
  return (
    <>
      <nav class="crumbs" aria-label="Where this is">
        <a href="#/types">Types</a>
      </nav>
      <div class="head">
        <h1>{type}</h1>
        {info && <Runs runs={info.runs} />}
      </div>
      {error !== undefined && <Failure error={error} retry={reload} />}
      {!info && error === undefined && <Loading lines={6} />}
      {info && (
        <div class="columns">
          <Card title="New task">
            {!may("write") ? (
              <Empty title="This key may only read">Sign in with one that has the scope write.</Empty>
            ) : info.runs !== "nowhere" ? (
              <CreateForm type={type} schema={info.schema} />
            ) : (
              <Empty title="No code here has this type">
                Its tasks wait until a deployment that has it comes. New ones are refused.
              </Empty>
            )}
          </Card>
          <div class="stack">
            <Card
              title="What became of the last ones"
              aside={<a href={linkTo(["tasks"], { type })}>All of this type</a>}
            >
              <Recent recent={info.recent} />
              <dl class="facts">
                <dt>Waiting</dt>
                <dd>{`${waitingOf(info)}, ${info.due} of them due`}</dd>
                <dt>Running</dt>
                <dd>{info.running}</dd>
                <Limits info={info} />
                <dt>Limit</dt>
                <dd>{limitOf(info.limits, type) ?? <NoLimit />}</dd>
              </dl>
            </Card>
            <Card title="Schema of its data">
              {info.schema ? (
                <Json value={info.schema} label="Schema" />
              ) : (
                <p class="muted">It takes any data, or its schema cannot be shown.</p>
              )}
            </Card>
          </div>
        </div>
      )}
    </>
  );
}

/** Limits are few, and come whole. */
async function withLimits<Found>(client: Client, signal: AbortSignal, asked: Promise<Found>) {
  const [found, limits] = await Promise.all([asked, client.limits.list({ signal })]);
  return { ...found, limits };
}

function limitOf(limits: readonly Limit[], type: string) {
  const limit = limits.find((one) => one.type === type);
  return limit && termsOf(limit);
}

const atMost = (limit: string | undefined) => limit && `at most ${limit}`;

const NoLimit = () => (
  <span class="muted">
    None
    {may("admin") && (
      <>
        ; <a href="#/operator">set one</a>
      </>
    )}
  </span>
);

function Limits({ info }: { info: TypeInfo }) {
  if (info.runs !== "here") return null;
  return (
    <>
      <dt>Attempts</dt>
      <dd>{plural(info.max_attempts ?? 1, "attempt")}, unless a task says otherwise</dd>
      <dt>Time limit</dt>
      <dd>{durationOf((info.timeout_seconds ?? 0) * 1000)} an attempt</dd>
      {info.batch_size !== null && (
        <>
          <dt>Batch</dt>
          <dd>up to {info.batch_size} at a time</dd>
        </>
      )}
      {info.median_ms !== null && (
        <>
          <dt>Takes</dt>
          <dd>{durationOf(info.median_ms)}, the median of the last ones</dd>
        </>
      )}
    </>
  );
}
