import { execForm, type Instruction, type Stage } from "./dockerfile.ts";

/** Those rules of hadolint (github.com/hadolint/hadolint) that this kind of Dockerfile can break. */
export interface Rule {
  /** Hadolint's number for it. */
  code: string;
  says: string;
  isKept(stages: readonly Stage[]): boolean;
  /** A Dockerfile that breaks it. */
  broken: string;
}

const all = (stages: readonly Stage[], keyword: string): Instruction[] =>
  stages.flatMap(({ instructions }) => instructions.filter((one) => one.keyword === keyword));
const names = (stages: readonly Stage[]) => stages.map(({ name }) => name);
const each = (
  stages: readonly Stage[],
  keyword: string,
  holds: (instruction: Instruction, stage: Stage, place: number) => boolean,
) =>
  stages.every((stage) =>
    stage.instructions.every((one, place) => one.keyword !== keyword || holds(one, stage, place)),
  );

const HEAD = "FROM node:24.22.3-slim\nWORKDIR /app\n";

export const RULES: readonly Rule[] = [
  {
    code: "DL3000",
    says: "WORKDIR is absolute",
    isKept: (stages) => each(stages, "WORKDIR", ({ text }) => text.startsWith("/")),
    broken: "FROM node:24.22.3-slim\nWORKDIR app",
  },
  {
    code: "DL3002",
    says: "the last USER is not root",
    isKept: (stages) => !/^(root|0)?(:|$)/.test(all(stages.slice(-1), "USER").at(-1)?.text ?? ""),
    broken: `${HEAD}USER 1000\nUSER root`,
  },
  {
    code: "DL3006",
    says: "an image has a version, and one that is not moved",
    isKept: (stages) =>
      stages.every(({ from }, n) => names(stages.slice(0, n)).includes(from) || /:\d+\.\d+\.\d+/.test(from)),
    broken: "FROM node:latest",
  },
  {
    code: "DL3016",
    says: "npm installs what a lock file has",
    isKept: (stages) => each(stages, "RUN", ({ text }) => !/npm (i|install|add)\b/.test(text)),
    broken: `${HEAD}RUN npm install express`,
  },
  {
    code: "DL3020",
    says: "files come by COPY, not by ADD",
    isKept: (stages) => all(stages, "ADD").length === 0,
    broken: `${HEAD}ADD . .`,
  },
  {
    code: "DL3022",
    says: "COPY --from names a stage before",
    isKept: (stages) =>
      stages.every((stage, n) =>
        each(
          [stage],
          "COPY",
          ({ flags }) => flags.from === undefined || names(stages.slice(0, n)).includes(flags.from),
        ),
      ),
    broken: `${HEAD}COPY --from=packages /app /app`,
  },
  {
    code: "DL3025",
    says: "CMD and ENTRYPOINT are in exec form, so that no shell keeps the signals to itself",
    isKept: (stages) =>
      [...all(stages, "CMD"), ...all(stages, "ENTRYPOINT")].every(({ text }) => execForm(text) !== undefined),
    broken: `${HEAD}CMD node main.js`,
  },
  {
    code: "DL3045",
    says: "COPY to a relative place comes after a WORKDIR",
    isKept: (stages) =>
      each(
        stages,
        "COPY",
        ({ text }, { instructions }, place) =>
          /\s\/\S*$/.test(text) || instructions.slice(0, place).some(({ keyword }) => keyword === "WORKDIR"),
      ),
    broken: "FROM node:24.22.3-slim\nCOPY . .",
  },
  {
    code: "DL3057",
    says: "there is one HEALTHCHECK",
    isKept: (stages) => all(stages.slice(-1), "HEALTHCHECK").length === 1,
    broken: `${HEAD}CMD ["node", "main.js"]`,
  },
  {
    code: "DL3059",
    says: "what is run one after the other is one RUN",
    isKept: (stages) =>
      each(
        stages,
        "RUN",
        (_, { instructions }, place) => place === 0 || instructions[place - 1]?.keyword !== "RUN",
      ),
    broken: `${HEAD}RUN npm ci\nRUN npm run build`,
  },
  {
    code: "DL4003",
    says: "there is one CMD",
    isKept: (stages) => all(stages.slice(-1), "CMD").length === 1,
    broken: `${HEAD}CMD ["a"]\nCMD ["b"]`,
  },
];
