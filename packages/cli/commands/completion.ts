import { Argument, type Command } from "commander";
import { SHELLS, type Shell, scriptFor } from "../completion.ts";
import { example } from "../help.ts";

export function addCompletion(program: Command): void {
  const command = program
    .command("completion")
    .description("print a script that completes commands and options")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .action((shell: Shell) => void process.stdout.write(scriptFor(shell, program)));
  example(
    command,
    "tickwork completion bash >> ~/.bashrc",
    "tickwork completion zsh > ~/.zsh/completions/_tickwork",
    "tickwork completion fish > ~/.config/fish/completions/tickwork.fish",
  );
}
