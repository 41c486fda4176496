// The registry of commands. A command is one file that defines itself on a commander Command, and one entry here. Its module is
// imported only when the command runs, so that `moeprof --version` loads nothing that it does not print.
import type { CommandEntry } from './kit/context.js';

/** A command: its name, its summary, its arguments in the help's example, and its module. */
type Row = readonly [name: string, summary: string, example: string, load: CommandEntry['load']];

const GROUPS: readonly (readonly [group: CommandEntry['group'], ...commands: readonly Row[]])[] = [
  [
    'Profile',
    [
      'run',
      'profile one system; without arguments, the bundled quick start',
      '-m qwen3-30b-a3b -w rtx-4090 -s fiddler --cache 25%',
      () => import('./run.js'),
    ],
    ['curve', 'hit rate against capacity, for many cache policies', '-t routing.safetensors --scope layer', () => import('./curve.js')],
    [
      'sweep',
      'many runs: by rate of arrival, to saturation, or by any value',
      '-t routing.safetensors --batch 16 --rates auto',
      () => import('./sweep.js'),
    ],
    [
      'search',
      'the best of a design space, or its Pareto front, by a few runs',
      'my-space.yaml --budget 120 -o front.svg',
      () => import('./search.js'),
    ],
    [
      'bound',
      'how fast a run could be with knowledge that no system has',
      'adaptive -t routing.safetensors -w rtx-4090 --cache 25%',
      () => import('./bound.js'),
    ],
    [
      'advise',
      'which settings to run a model with, as a line to paste, and how fast',
      'gpt-oss-120b -w rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB',
      () => import('./advise.js'),
    ],
    [
      'plan',
      'how much GPU memory a service level takes',
      '-t routing.safetensors -w t4,rtx-4090 --slo tpot=20ms',
      () => import('./plan.js'),
    ],
    [
      'predict',
      'train a path predictor, and judge predictors',
      'train -t train.safetensors -o predictor.onnx',
      () => import('./predict.js'),
    ],
    ['check', 'is my run normal, and if not, why', 'server.log -w my-machine.yaml', () => import('./check.js')],
    ['reproduce', 'published figures of papers, beside those of the same runs here', 'mixtral-offloading', () => import('./reproduce.js')],
    ['validate', 'predictions beside measurements of real machines', 'measurements.jsonl -o accuracy.html', () => import('./validate.js')],
  ],
  [
    'Gate and report',
    [
      'compare',
      'compare runs; fail where they break a budget',
      "main.json pr.json --fail-on 'latency.tpot.p50 > +3%'",
      () => import('./compare.js'),
    ],
    ['baseline', 'keep results to compare with later', 'save main runs/', () => import('./baseline.js')],
    [
      'table',
      'finished runs side by side, as in the table of a paper',
      '.moeprof/store --rows system --columns trace',
      () => import('./table.js'),
    ],
    [
      'plot',
      'finished runs as a figure for print',
      'study.jsonl --x memory.expertCache --series system -o figure.svg',
      () => import('./plot.js'),
    ],
    ['cite', 'BibTeX of moeprof and of the sources of results', 'study.jsonl -o used.bib', () => import('./cite.js')],
    ['worker', 'run cells of studies from a queue', '--queue redis://localhost:6379/0', () => import('./worker.js')],
    ['queue', 'what a queue holds, and how it is emptied', 'show --queue redis://localhost:6379/0', () => import('./queue.js')],
    ['store', 'results that studies keep: list, show, merge, check, clean', 'merge /mnt/a/store /mnt/b/store', () => import('./store.js')],
    ['report', 'render a saved result in any format', 'result.json -o report.md', () => import('./report.js')],
  ],
  [
    'Look into inputs',
    ['trace', 'inspect, audit, convert, compare and generate routing traces', 'inspect routing.safetensors', () => import('./trace.js')],
    [
      'model',
      'parameters, bytes and experts of a model, and what fits where',
      'inspect model.gguf -w rtx-4090',
      () => import('./model.js'),
    ],
    ['machine', 'what this machine is, and how fast it really is', 'detect -o my-machine.yaml', () => import('./machine.js')],
    ['profiles', 'list and show what ships with moeprof', 'list hardware', () => import('./profiles.js')],
  ],
  [
    'Help and set-up',
    ['explain', 'what a metric or a warning means', 'cache.hit_rate', () => import('./explain.js')],
    ['init', 'write a starter profile, budgets and a CI job', '--ci gitlab', () => import('./init.js')],
    ['schema', 'JSON Schema of a file, for editors', 'run > run.schema.json', () => import('./schema.js')],
    [
      'completion',
      'completion for bash, zsh, fish or PowerShell',
      'bash',
      async () => (await import('./completion.js')).completionOf(commands),
    ],
    ['doctor', 'what moeprof finds on this machine', '', () => import('./doctor.js')],
  ],
];

/** All commands, in the order of the help. */
export const commands: readonly CommandEntry[] = GROUPS.flatMap(([group, ...rows]) =>
  rows.map(([name, summary, example, load]) => ({ name, summary, group, example: `${name} ${example}`.trimEnd(), load })),
);
