/** A form that creates a task of a type. */
import { useState } from "preact/hooks";
import { DataFields, fieldsOf, readData, type Schema } from "./data-fields.tsx";
import { Field, RestOf, useSubmit, wrongAt } from "./field.tsx";
import { Button, tell } from "./parts.tsx";
import { go } from "./router.ts";

export function CreateForm({ type, schema }: { type: string; schema: Schema | null }) {
  const fields = fieldsOf(schema);
  const [asJson, setAsJson] = useState(fields === undefined);
  const shown = asJson ? undefined : fields;
  const { refusal, busy, submit } = useSubmit(async (client, form) => {
    const text = (name: string) => String(form.get(name) ?? "");
    const data = readData(form, shown);
    const task = await client.create({
      type,
      ...(data !== undefined && { task_data: data }),
      ...(text("due") && { scheduled_time: new Date(text("due")) }),
      ...(text("attempts") && { max_attempts: Number(text("attempts")) }),
    });
    tell(`Task ${task.id} was created`);
    go(["tasks", task.id]);
    return undefined;
  });
  return (
    <form class="create" onSubmit={submit}>
      <DataFields fields={shown} refusal={refusal} />
      <div class="pair">
        <Field label="Due" hint="Empty: now" wrong={wrongAt(refusal, "scheduled_time")}>
          {(input) => <input {...input} name="due" type="datetime-local" step="1" />}
        </Field>
        <Field label="Attempts" hint="Empty: as its type says" wrong={wrongAt(refusal, "max_attempts")}>
          {(input) => <input {...input} name="attempts" type="number" min="1" max="1000" />}
        </Field>
      </div>
      <RestOf
        refusal={refusal}
        except={[
          ...(shown?.map(({ name }) => `task_data.${name}`) ?? ["task_data"]),
          "scheduled_time",
          "max_attempts",
        ]}
      />
      <div class="buttons">
        <button class="button main" type="submit" aria-busy={busy}>
          Create the task
        </button>
        {fields && <Button onClick={() => setAsJson(!asJson)}>{asJson ? "As a form" : "As JSON"}</Button>}
      </div>
    </form>
  );
}
