/** Where a command writes, and how: for people, or with `--json` for programs. */

export interface Output {
  json: boolean;
  isTerminal: boolean;
  /** One result: a document as JSON, or what people read of it. */
  result(document: unknown, human: () => string): void;
  /** One of several, as they come: a line of JSON each. */
  event(document: unknown, human?: () => string): void;
  /** What goes on besides; people only. */
  note(text: string): void;
}

/** @example const output = createOutput({ json: true }); */
export function createOutput({ json }: { json: boolean }): Output {
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  return {
    json,
    isTerminal: process.stdout.isTTY ?? false,
    result: (document, human) => print(json ? JSON.stringify(document, null, 2) : human()),
    event: (document, human) => {
      if (json) print(JSON.stringify(document));
      else if (human) print(human());
    },
    note: (text) => {
      if (!json) print(text);
    },
  };
}
