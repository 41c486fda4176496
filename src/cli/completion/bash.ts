import { type CompletionValues, flatten, type Node, optionsOf, single, wordsAt } from './tree.js';

/** Patterns of commands after the words before each, cases of options with values, and of commands. */
type Parts = Readonly<Record<'program' | 'steps' | 'values' | 'places', string>>;

const script = ({ places, program, steps, values }: Parts): string => `# bash completion of ${program}; made by: ${program} completion bash
_${program}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at='' words='' options='' files='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at:\${COMP_WORDS[i]}" in
    ${steps}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at:$previous" in
${values}
  esac
  case "$at" in
${places}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    if [[ -n $files ]]; then COMPREPLY+=($(compgen -f -- "$current")); fi
  fi
}
complete -o filenames -F _${program} ${program}
`;

/** Script for bash. */
export function bash(program: Node): string {
  const all = flatten(program);
  const valued = all.flatMap(({ path, node }) =>
    optionsOf(program, node).flatMap(({ names, value }) =>
      value === null ? [] : [`    ${names.map((name) => single(`${path.join(' ')}:${name}`)).join('|')}) ${bashValues(value)} ;;`],
    ),
  );
  const steps = all.filter(({ path }) => path.length > 0).map(({ path }) => single(`${path.slice(0, -1).join(' ')}:${path.at(-1)!}`));
  const places = all.map(({ path, node }) => {
    const { files, words } = wordsAt(node);
    const options = optionsOf(program, node).flatMap(({ names }) => names);
    return `    ${single(path.join(' '))}) words=${single(words.join(' '))}; options=${single(options.join(' '))};${files ? ' files=1;' : ''} ;;`;
  });
  return script({ program: program.name, steps: steps.join('|'), values: valued.join('\n'), places: places.join('\n') });
}

function bashValues({ words, files }: CompletionValues): string {
  const named = words.length === 0 ? [] : [`COMPREPLY=($(compgen -W ${single(words.join(' '))} -- "$current"))`];
  return [...named, ...(files ? ['COMPREPLY+=($(compgen -f -- "$current"))'] : []), 'return'].join('; ');
}
