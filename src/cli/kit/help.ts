import type { Command, Help, Option } from 'commander';
import { firstFlags, textBelow } from './declared.js';

/** Help: essentials in 15 lines. @param overview help of the program @param all true: every option, group and text */
export const helpOf = (overview: string, all: boolean): Partial<Help> => ({
  styleTitle: (title) => `\u001b[1m${title}\u001b[22m`,
  subcommandTerm: (command) => command.name(),
  optionDescription,
  ...(all ? {} : { formatHelp: (command, help) => (command.parent === null ? overview : shortHelp(command, help)) }),
});

/** Options of which the short help has a row; all, if the command names none. */
function firstOf(command: Command): readonly Option[] {
  const first = firstFlags(command);
  return command.options.filter(({ long, short }) => first === null || first.includes(short ?? '') || first.includes(long ?? ''));
}

function shortHelp(command: Command, help: Help): string {
  const first = firstOf(command);
  const rows = [
    ...command.registeredArguments.map((argument) => [help.argumentTerm(argument), [argument.description]] as const),
    ...command.commands.map((below) => [below.name(), [help.subcommandDescription(below)]] as const),
    ...first.map((option) => [help.optionTerm(option), textsOf(option)] as const),
  ];
  const width = Math.max(0, ...rows.map(([term]) => term.length));
  const columns = help.helpWidth ?? 80;
  const examples = textBelow(command)
    .split(/\n(?! {4})/)
    .filter((line) => line.startsWith('  moeprof '));
  const more = command.options.length - first.length;
  const name = help.commandUsage(command).split(' [')[0];
  return `${[
    `${help.styleTitle('Usage:')} ${help.commandUsage(command)}`,
    '',
    help.boxWrap(help.commandDescription(command), columns),
    ...(rows.length === 0 ? [] : ['']),
    ...rows.map(([term, texts]) => help.formatItem(term, width, clauseOf(texts, columns - width - 4), help)),
    '',
    ...examples.slice(0, 2),
    ...(more === 0 ? [] : [`All options: ${name} --help all (${more} more)`]),
  ].join('\n')}\n`;
}

function textsOf(option: Option): string[] {
  return [optionDescription(option), ...(option.argChoices === undefined ? [] : [option.argChoices.join(', ')]), option.description];
}

/** Longest that fits `room` columns; else the cut first clause of the shortest. */
function clauseOf(texts: readonly string[], room: number): string {
  const clause = texts.at(-1)!.split('; ')[0]!;
  return [...texts, clause].find((text) => text.length <= room) ?? clause.split(/: | \(|, /)[0]!;
}

function optionDescription({ description, argChoices, defaultValue, defaultValueDescription }: Option): string {
  const usual =
    defaultValueDescription ?? (typeof defaultValue === 'string' || typeof defaultValue === 'number' ? String(defaultValue) : '');
  const extra = [...(argChoices === undefined ? [] : [argChoices.join(', ')]), ...(usual === '' ? [] : [`default: ${usual}`])];
  return extra.length === 0 ? description : `${description} (${extra.join('; ')})`;
}
