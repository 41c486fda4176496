import type { Command } from 'commander';
import { bibtex, type Citation, citedBy } from '../figure/door.js';
import { type Format, toJson } from '../report/door.js';
import { readRuns } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { output } from './kit/groups.js';
import { deliver } from './kit/outputs.js';

const FORMATS: readonly Format<readonly Citation[]>[] = [
  { name: 'bibtex', extensions: ['.bib'], render: bibtex },
  { name: 'json', extensions: ['.json'], render: toJson },
];

const CITE = options({
  '[results...]': 'results, folders of them, a store, or what sweep study.yaml -o wrote; none: moeprof alone',
  '--measurements': 'also every measurement that constants of the runtimes were fitted on',
  ...output(FORMATS),
});

/** Help. */
export const help = `Examples:
  moeprof cite                            moeprof alone
  moeprof cite result.json
  moeprof cite study.jsonl .moeprof/store -o used.bib`;

/** `moeprof cite`. */
export function define(command: Command, context: CliContext): void {
  declared(command, CITE).action((paths: string[], options: OptionsOf<typeof CITE>) =>
    deliver(context, FORMATS, options, () => citedBy(paths.flatMap(readRuns), options.measurements), paths),
  );
}
