import { type Command, Command as NewCommand, type Option } from 'commander';
import { byName } from '../base/objects.js';
import { listProfiles } from '../base/profiles.js';
import { POLICIES } from '../cache/policies/index.js';
import { partNames } from '../hardware/door.js';
import { PREDICTORS } from '../predict/predictors/index.js';
import { allTopics } from '../result/explanations.js';
import { SCHEDULERS } from '../schedule/door.js';
import { MISS_ACTIONS, RUNTIME_WORDS } from '../system/door.js';
import { VARIANTS } from '../trace/variants/index.js';
import { COMPLETION_SCRIPTS } from './completion/index.js';
import type { CompletionValues, Node } from './completion/tree.js';
import type { CliContext, CommandEntry, CommandModule } from './kit/context.js';
import { declared, options } from './kit/declared.js';

const COMPLETION = options({
  '<shell>': ['for which shell', { choices: Object.keys(COMPLETION_SCRIPTS) }],
});

const help = `Examples:
  moeprof completion bash > ~/.local/share/bash-completion/completions/moeprof
  moeprof completion zsh > "\${fpath[1]}/_moeprof"
  moeprof completion fish > ~/.config/fish/completions/moeprof.fish
  moeprof completion powershell >> $PROFILE`;

/** `moeprof completion`: scripts generated from the commands. */
export const completionOf = (entries: readonly CommandEntry[]): CommandModule => ({
  help,
  define(command, context) {
    declared(command, COMPLETION).action(async (shell: keyof typeof COMPLETION_SCRIPTS) =>
      context.out(COMPLETION_SCRIPTS[shell](await describeProgram(command.parent!, entries, context))),
    );
  },
});

/** Values unknown to commander, by an option's long name or `command argument`. */
const WORDS = byName<() => readonly string[]>({
  '--model': () => listProfiles('models'),
  // Only the first part of a machine: shells complete no word after a plus sign.
  '--hardware': () => [...new Set([...listProfiles('hardware'), ...partNames()])],
  '--runtime': () => [...RUNTIME_WORDS, ...listProfiles('runtimes')],
  '--system': () => listProfiles('systems'),
  '--policy': () => POLICIES.map(({ name }) => name),
  '--predictor': () => ['none', ...PREDICTORS.map(({ name }) => name)],
  '--scheduler': () => SCHEDULERS.map(({ name }) => name),
  '--on-miss': () => MISS_ACTIONS,
  '--variant': () => VARIANTS.map(({ name }) => name),
  'explain name': () => allTopics().flatMap(({ names }) => names.map((name) => name.replace(/\.\*$/, ''))),
  'show machine': () => [...new Set([...listProfiles('hardware'), ...partNames()])],
  'run profile': () => listProfiles('runs'),
});

/** Each command is defined on its own stub. */
async function describeProgram(program: Command, entries: readonly CommandEntry[], context: CliContext): Promise<Node> {
  const children: Node[] = [];
  for (const entry of entries) {
    const stub = new NewCommand(entry.name).summary(entry.summary).helpCommand(false);
    (await entry.load()).define(stub, context);
    children.push(nodeOf(stub));
  }
  return { ...nodeOf(program), children };
}

function nodeOf(command: Command): Node {
  const [argument] = command.registeredArguments;
  return {
    name: command.name(),
    summary: command.summary(),
    options: command.createHelp().visibleOptions(command).map(optionOf),
    argument: argument === undefined ? null : valuesOf(argument, `${command.name()} ${argument.name()}`, takesFiles(argument.name())),
    children: command.commands.map(nodeOf),
  };
}

function optionOf(option: Option): Node['options'][number] {
  const placeholder = /<(.*)>$/.exec(option.flags)?.[1];
  return {
    names: [option.short, option.long].filter((name) => name !== undefined),
    summary: option.description,
    value:
      placeholder === undefined ? null : valuesOf(option, option.long ?? '', option.argChoices === undefined && takesFiles(placeholder)),
  };
}

function valuesOf({ argChoices }: Pick<Option, 'argChoices'>, key: string, files: boolean): CompletionValues {
  return { words: argChoices ?? WORDS[key]?.() ?? [], files };
}

const takesFiles = (placeholder: string): boolean =>
  /\b(file|path|folder|trace|model|machine|system|policy|profile|result|base|candidate|run)$/.test(placeholder);
