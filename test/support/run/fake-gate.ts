import type { Gate } from "../../../packages/core/gate/gate.ts";

export interface FakeGate {
  gate: Gate;
  /** What it was asked, in order. */
  calls: { name: keyof Gate; args: unknown[] }[];
}

/** A gate that notes what it is asked and answers as the test says; a call that no answer is given for fails. */
export function fakeGate(answers: { [Name in keyof Gate]?: Gate[Name] }): FakeGate {
  const calls: FakeGate["calls"] = [];
  const gate = new Proxy({} as Gate, {
    get:
      (_, name: keyof Gate) =>
      async (...args: never[]) => {
        calls.push({ name, args });
        const answer = answers[name] as ((...args: never[]) => unknown) | undefined;
        if (!answer) throw new Error(`the test does not say what gate.${name} answers`);
        return answer(...args);
      },
  });
  return { gate, calls };
}
