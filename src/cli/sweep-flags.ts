import { studyReports } from '../study/door.js';
import { type OptionsOf, options } from './kit/declared.js';
import { output, PICTURES, RUN_JOBS } from './kit/groups.js';
import { RUN } from './run-options.js';
import { STORE } from './study-options.js';

/** What the command takes. */
export const SWEEP = options({
  '[profile]': 'study or run profile: a YAML file, or the bundled name of a run; without it and without -m -t -w -s, the quick start',
  'What varies:': '',
  '--rates <list>': "requests per second, e.g. 0.5,1,2; 'auto': around what can be served",
  '--vary <path=values>...': 'values of the run, system.*, hardware.* or model.*, e.g. workload.batch=1,8 or 1..8; repeatable',
  '--metrics <names>': 'metrics to show, with commas (moeprof explain lists them)',
  'Runs:': '',
  '--store <folder>': `where results are kept and found again (a study: ${STORE})`,
  '--no-store': 'run everything, and keep nothing',
  '--shard <i/n>': 'of a study, every n-th cell from the i-th on: 1/4 on one machine, 2/4 on the next',
  '--queue <address>': 'of a study, have its cells run by moeprof worker: redis://host:6379/0, or rediss:// with TLS',
  '--queue-prefix <text>': 'prefix of all keys of the queue (moeprof)',
  '--queue-key <file>': 'file with the key that seals cells and results; the same for sweep and workers',
  ...RUN_JOBS,
  ...RUN,
  ...output(studyReports),
  ...PICTURES,
});

/** Flags of the command. */
export type SweepFlags = OptionsOf<typeof SWEEP>;
