/** Makes a schedule, or changes one. Its next times are shown before it is saved. */
import { useState } from "preact/hooks";
import type { CatchUp, Client, Overlap, Schedule } from "#client";
import { DataFields, fieldsOf, fits, readData } from "./data-fields.tsx";
import { Field, RestOf, useSubmit, wrongAt } from "./field.tsx";
import { UNITS, type Unit } from "./format.ts";
import { KnownTypes } from "./known-types.tsx";
import { Button, Card, Loading, tell } from "./parts.tsx";
import { go, linkTo } from "./router.ts";
import { firstTimes, NextTimes, type Times, timesOf, usePreview, useSchema } from "./schedule-draft.tsx";

export const CATCH_UP: Record<CatchUp, string> = {
  none: "What was missed does not run",
  last: "Of what was missed, the latest one runs",
  all: "All that was missed runs",
};
export const OVERLAP: Record<Overlap, string> = {
  allow: "They run beside each other",
  skip: "One whose time comes while another runs is skipped",
  queue: "One waits until the other has ended",
};

const AT_FIELDS = ["name", "type", "cron", "time_zone", "every_seconds", "catch_up", "overlap"];

export function ScheduleForm({ schedule }: { schedule?: Schedule }) {
  const [times, setTimes] = useState(() => firstTimes(schedule));
  const [type, setType] = useState(schedule?.type ?? "");
  const [asJson, setAsJson] = useState(false);
  const preview = usePreview(times);
  const schema = useSchema(type.trim());
  const fields = fieldsOf(schema ?? null);
  const data = type.trim() === schedule?.type ? schedule.task_data : undefined;
  const mayBeForm = fits(fields, data);
  const shown = asJson || !mayBeForm ? undefined : fields;
  const set = (change: Partial<Times>) => setTimes({ ...times, ...change });
  const { refusal, busy, submit } = useSubmit(async (client, form) => {
    const name = schedule?.name ?? String(form.get("name")).trim();
    if (!schedule && (await isTaken(client, name)))
      return { text: "", issues: [{ path: "name", message: "is taken: another schedule has it" }] };
    const given = readData(form, shown);
    await client.schedules.put(name, {
      ...timesOf(times),
      type: type.trim(),
      ...(given !== undefined && { task_data: given }),
      catch_up: form.get("catch_up") as CatchUp,
      overlap: form.get("overlap") as Overlap,
      paused: schedule?.paused ?? false,
    });
    tell(schedule ? `${name} was changed` : `${name} was made`);
    go(["schedules", name]);
    return undefined;
  });
  const wrong = (at: string) => wrongAt(preview.refusal, at) ?? wrongAt(refusal, at);
  return (
    <form class="narrow" onSubmit={submit}>
      <Card title="What, and when">
        <div class="create">
          {!schedule && (
            <Field label="Name" wrong={wrong("name")} hint="It cannot be changed later.">
              {(input) => (
                <input
                  {...input}
                  name="name"
                  required
                  maxLength={255}
                  autocomplete="off"
                  placeholder="nightly report"
                />
              )}
            </Field>
          )}
          <fieldset class="segments" aria-label="How it recurs">
            {(["cron", "every"] as const).map((how) => (
              <button key={how} type="button" aria-pressed={times.how === how} onClick={() => set({ how })}>
                {how === "cron" ? "At times of the clock" : "Every so often"}
              </button>
            ))}
          </fieldset>
          {times.how === "cron" ? (
            <div class="pair stacks">
              <Field
                label="Cron expression"
                wrong={wrong("cron")}
                hint="Minute, hour, day of the month, month, day of the week"
              >
                {(input) => (
                  <input
                    {...input}
                    required
                    class="mono"
                    spellcheck={false}
                    autocomplete="off"
                    placeholder="0 9 * * MON-FRI"
                    value={times.cron}
                    onInput={({ currentTarget }) => set({ cron: currentTarget.value })}
                  />
                )}
              </Field>
              <Field label="Time zone" wrong={wrong("time_zone")}>
                {(input) => (
                  <input
                    {...input}
                    list="zones"
                    autocomplete="off"
                    value={times.zone}
                    onInput={({ currentTarget }) => set({ zone: currentTarget.value })}
                  />
                )}
              </Field>
              <datalist id="zones">
                {Intl.supportedValuesOf("timeZone").map((zone) => (
                  <option key={zone} value={zone} />
                ))}
              </datalist>
            </div>
          ) : (
            <div class="pair even">
              <Field label="Every" wrong={wrong("every_seconds")}>
                {(input) => (
                  <input
                    {...input}
                    type="number"
                    min="1"
                    step="1"
                    required
                    value={times.every}
                    onInput={({ currentTarget }) => set({ every: currentTarget.value })}
                  />
                )}
              </Field>
              <Field label="Unit">
                {(input) => (
                  <select
                    {...input}
                    value={times.unit}
                    onChange={({ currentTarget }) => set({ unit: currentTarget.value as Unit })}
                  >
                    {Object.keys(UNITS).map((unit) => (
                      <option key={unit}>{unit}</option>
                    ))}
                  </select>
                )}
              </Field>
            </div>
          )}
          <NextTimes {...preview} />
          <Field label="Type of its tasks" wrong={wrong("type")}>
            {(input) => (
              <input
                {...input}
                required
                list="known-types"
                autocomplete="off"
                value={type}
                onInput={({ currentTarget }) => setType(currentTarget.value)}
              />
            )}
          </Field>
          <KnownTypes />
          <div class="create" key={`${type} ${schema === undefined}`}>
            {!type.trim() ? null : schema === undefined ? (
              <Loading lines={2} />
            ) : (
              <DataFields fields={shown} data={data} refusal={refusal} />
            )}
          </div>
          <div class="pair even stacks">
            <Field label="What was missed" wrong={wrong("catch_up")}>
              {(input) => (
                <Choice {...input} name="catch_up" of={CATCH_UP} first={schedule?.catch_up ?? "last"} />
              )}
            </Field>
            <Field label="When they overlap" wrong={wrong("overlap")}>
              {(input) => (
                <Choice {...input} name="overlap" of={OVERLAP} first={schedule?.overlap ?? "allow"} />
              )}
            </Field>
          </div>
          {schedule && <p class="muted small">What waits of it is replaced. What runs goes on.</p>}
          <RestOf
            refusal={refusal}
            except={[...AT_FIELDS, ...(shown?.map(({ name }) => `task_data.${name}`) ?? ["task_data"])]}
          />
          <div class="buttons">
            <button class="button main" type="submit" aria-busy={busy}>
              {schedule ? "Save the schedule" : "Make the schedule"}
            </button>
            <a class="button" href={linkTo(schedule ? ["schedules", schedule.name] : ["schedules"])}>
              {schedule ? "Keep as it is" : "Back"}
            </a>
            {mayBeForm && (
              <Button onClick={() => setAsJson(!asJson)}>{asJson ? "Data as a form" : "Data as JSON"}</Button>
            )}
          </div>
        </div>
      </Card>
    </form>
  );
}

function Choice({
  of,
  first,
  ...select
}: {
  of: Readonly<Record<string, string>>;
  first: string;
  name: string;
  id: string;
}) {
  return (
    <select {...select}>
      {Object.entries(of).map(([value, label]) => (
        <option key={value} value={value} selected={value === first}>
          {label}
        </option>
      ))}
    </select>
  );
}

/** To put a schedule replaces one of its name, which nobody means here. To ask for one that is not there is an error in the console. */
async function isTaken(client: Client, name: string): Promise<boolean> {
  return (await client.schedules.listPage({ name })).schedules.length > 0;
}
