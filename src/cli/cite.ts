import type { Command } from 'commander';
import { bibtex, type Citation, citedBy } from '../figure/door.js';
import { type Format, toJson } from '../report/door.js';
import { readRuns } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { deliver, type OutputOptions } from './kit/outputs.js';

const FORMATS: readonly Format<readonly Citation[]>[] = [
  { name: 'bibtex', extensions: ['.bib'], render: bibtex },
  { name: 'json', extensions: ['.json'], render: toJson },
];

/** `moeprof cite`: BibTeX of moeprof and of results' sources. */
export function define(command: Command, context: CliContext): void {
  declared(command, 'cite', { formats: FORMATS }).action((paths: string[], options: OutputOptions & { readonly measurements: boolean }) =>
    deliver(context, FORMATS, options, () => citedBy(paths.flatMap(readRuns), options.measurements), paths),
  );
}
