/** Scripts for shells, made from the tree of commands. They complete commands, options, and the values that an option takes. */
import type { Command, Option } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** @example process.stdout.write(scriptFor("bash", createProgram())); */
export function scriptFor(shell: Shell, program: Command): string {
  return { bash, zsh, fish }[shell](program);
}

const commandsOf = (program: Command) => {
  // Commander tells what its help lists: no hidden ones.
  const help = program.createHelp();
  return help
    .visibleCommands(program)
    .filter((command) => command.name() !== "help")
    .map((command) => ({
      name: command.name(),
      about: command.description(),
      options: [...help.visibleOptions(command), ...program.options.filter(({ long }) => long === "--json")],
      values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    }));
};

const flagsOf = (options: readonly Option[]) => options.flatMap(({ long }) => (long ? [long] : []));
/** Whether its value is the name of a file or a folder. */
const takesPath = ({ flags }: Option) => /<(file|folder)>/.test(flags);

function bash(program: Command): string {
  const commands = commandsOf(program);
  const all = new Map(
    commands.flatMap(({ options }) => options).map((option) => [option.long ?? "", option]),
  );
  const values = [...all.values()].flatMap(({ long, argChoices }) =>
    argChoices
      ? [`    ${long}) COMPREPLY=($(compgen -W "${argChoices.join(" ")}" -- "$word")); return ;;`]
      : [],
  );
  const paths = flagsOf([...all.values()].filter(takesPath));
  const cases = commands.map(
    ({ name, options, values: words }) =>
      `    ${name}) words="${[...words, ...flagsOf(options)].join(" ")}" ;;`,
  );
  return `# Completion of tickwork for bash: tickwork completion bash >> ~/.bashrc
_tickwork() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" words
  COMPREPLY=()
  case "$before" in
${values.join("\n")}
    ${paths.join("|")}) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    *) words="" ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${[...commands.map(({ name }) => name), "--help", "--version"].join(" ")}"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _tickwork tickwork
`;
}

function zsh(program: Command): string {
  const commands = commandsOf(program);
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, "\\$&");
  const spec = (option: Option) => {
    const value = option.argChoices
      ? `:value:(${option.argChoices.join(" ")})`
      : takesPath(option)
        ? ":file:_files"
        : ":value:";
    return `'${option.long}[${quoted(option.description)}]${option.required || option.optional ? value : ""}'`;
  };
  const cases = commands.map(({ name, options, values }) => {
    const positional = values.length > 0 ? [`'1:value:(${values.join(" ")})'`] : [];
    return `    ${name}) _arguments ${[...positional, ...options.map(spec)].join(" ")} ;;`;
  });
  return `#compdef tickwork
# Completion of tickwork for zsh: put it as _tickwork into a folder of $fpath.
_tickwork() {
  local -a commands=(
${commands.map(({ name, about }) => `    '${name}:${quoted(about)}'`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case "$words[1]" in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_tickwork" ]; then
  _tickwork "$@"
else
  compdef _tickwork tickwork
fi
`;
}

function fish(program: Command): string {
  const commands = commandsOf(program);
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
  const lines = commands.flatMap(({ name, about, options, values }) => {
    const here = `complete -c tickwork -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c tickwork -n __fish_use_subcommand -f -a ${name} -d ${quoted(about)}`,
      ...(values.length > 0 ? [`${here} -f -a ${quoted(values.join(" "))}`] : []),
      ...options.map((option) => {
        const { long = "", description, argChoices, required, optional } = option;
        const takes = required || optional ? (takesPath(option) ? " -r" : " -x") : " -f";
        const choices = argChoices ? ` -a ${quoted(argChoices.join(" "))}` : "";
        return `${here}${takes} -l ${long.slice(2)} -d ${quoted(description)}${choices}`;
      }),
    ];
  });
  return `# Completion of tickwork for fish: tickwork completion fish > ~/.config/fish/completions/tickwork.fish\n${lines.join("\n")}\n`;
}
