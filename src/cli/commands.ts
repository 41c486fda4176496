import type { CommandEntry } from './kit/context.js';

type Row = readonly [name: string, summary: string, load: CommandEntry['load']];

const GROUPS: readonly (readonly [group: CommandEntry['group'], ...commands: readonly Row[]])[] = [
  [
    'Profile',
    ['run', 'profile one system; without arguments, the bundled quick start', () => import('./run.js')],
    ['curve', 'hit rate against capacity, for many cache policies', () => import('./curve.js')],
    ['sweep', 'many runs: by rate of arrival, to saturation, or by any value', () => import('./sweep.js')],
    ['search', 'the best of a design space, or its Pareto front, by a few runs', () => import('./search.js')],
    ['bound', 'how fast a run could be with knowledge that no system has', () => import('./bound.js')],
    ['advise', 'which settings to run a model with, as a line to paste, and how fast', () => import('./advise.js')],
    ['play', 'the page that answers as advise does, as one file for a browser', () => import('./play.js')],
    ['serve', 'that page from this machine', () => import('./serve.js')],
    ['breakeven', 'from which hit rate on an expert cache pays, and what is fastest', () => import('./breakeven.js')],
    ['place', 'which experts stay on the card, in the file of an engine', () => import('./place.js')],
    ['plan', 'how much GPU memory a service level takes', () => import('./plan.js')],
    ['predict', 'train a path predictor, and judge predictors', () => import('./predict.js')],
    ['check', 'is my run normal, and if not, why', () => import('./check.js')],
    ['reproduce', 'published figures of papers, beside those of the same runs here', () => import('./reproduce.js')],
    ['validate', 'predictions beside measurements of real machines', () => import('./validate.js')],
    ['measure', 'a log of your engine as a row of measurements, to hand on', () => import('./measure.js')],
  ],
  [
    'Gate and report',
    ['compare', 'compare runs; fail where they break a budget', () => import('./compare.js')],
    ['baseline', 'keep results to compare with later', () => import('./baseline.js')],
    ['table', 'finished runs side by side, as in the table of a paper', () => import('./table.js')],
    ['plot', 'finished runs as a figure for print', () => import('./plot.js')],
    ['cite', 'BibTeX of moeprof and of the sources of results', () => import('./cite.js')],
    ['worker', 'run cells of studies from a queue', () => import('./worker.js')],
    ['queue', 'what a queue holds, and how it is emptied', () => import('./queue.js')],
    ['store', 'results that studies keep: list, show, merge, check, clean', () => import('./store.js')],
    ['report', 'render a saved result in any format', () => import('./report.js')],
  ],
  [
    'Look into inputs',
    ['record', 'the routing of a model on your prompts or traffic, from a real engine', () => import('./record.js')],
    ['trace', 'inspect, audit, convert, compare and generate routing traces', () => import('./trace.js')],
    ['model', 'parameters, bytes and experts of a model, and what fits where', () => import('./model.js')],
    ['machine', 'what this machine is, and how fast it really is', () => import('./machine.js')],
    ['profiles', 'list and show what ships with moeprof', () => import('./profiles.js')],
  ],
  [
    'Help and set-up',
    ['explain', 'what a metric or a warning means', () => import('./explain.js')],
    ['init', 'write a starter profile, budgets and a CI job', () => import('./init.js')],
    ['schema', 'JSON Schema of a file, for editors', () => import('./schema.js')],
    ['completion', 'completion for bash, zsh, fish or PowerShell', async () => (await import('./completion.js')).completionOf(commands)],
    ['doctor', 'what moeprof finds on this machine', () => import('./doctor.js')],
  ],
];

/** A file and an entry each. Modules load on demand. */
export const commands: readonly CommandEntry[] = GROUPS.flatMap(([group, ...rows]) =>
  rows.map(([name, summary, load]) => ({ name, summary, group, load })),
);
