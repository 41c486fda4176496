// The registry of commands. A command is one file that defines itself on a commander Command, and one entry here. Its module is
// imported only when the command runs, so that `moeprof --version` loads nothing that it does not print.
import type { CommandEntry } from './command.js';

/** All commands, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'profile one system; without arguments, the bundled quick start',
    group: 'Profile',
    example: 'run -m qwen3-30b-a3b -w rtx-4090 -s fiddler --cache 25%',
    load: () => import('./run.js'),
  },
  {
    name: 'curve',
    summary: 'hit rate against capacity, for many cache policies',
    group: 'Profile',
    example: 'curve -t routing.safetensors --scope layer',
    load: () => import('./curve.js'),
  },
  {
    name: 'sweep',
    summary: 'many runs: by rate of arrival, to saturation, or by any value',
    group: 'Profile',
    example: 'sweep -t routing.safetensors --batch 16 --rates auto',
    load: () => import('./sweep.js'),
  },
  {
    name: 'plan',
    summary: 'how much GPU memory a service level takes',
    group: 'Profile',
    example: 'plan -t routing.safetensors -w t4,rtx-4090 --slo tpot=20ms',
    load: () => import('./plan.js'),
  },
  {
    name: 'predict',
    summary: 'train a path predictor, and judge predictors',
    group: 'Profile',
    example: 'predict train -t train.safetensors -o predictor.onnx',
    load: () => import('./predict.js'),
  },
  {
    name: 'compare',
    summary: 'compare runs; fail where they break a budget',
    group: 'Gate and report',
    example: "compare main.json pr.json --fail-on 'latency.tpot.p50 > +3%'",
    load: () => import('./compare.js'),
  },
  {
    name: 'baseline',
    summary: 'keep results to compare with later',
    group: 'Gate and report',
    example: 'baseline save main runs/',
    load: () => import('./baseline.js'),
  },
  {
    name: 'report',
    summary: 'render a saved result in any format',
    group: 'Gate and report',
    example: 'report result.json -o report.md',
    load: () => import('./report.js'),
  },
  {
    name: 'trace',
    summary: 'inspect, audit, convert, compare and generate routing traces',
    group: 'Look into inputs',
    example: 'trace inspect routing.safetensors',
    load: () => import('./trace.js'),
  },
  {
    name: 'model',
    summary: 'parameters, bytes and experts of a model, and what fits where',
    group: 'Look into inputs',
    example: 'model inspect model.gguf -w rtx-4090',
    load: () => import('./model.js'),
  },
  {
    name: 'profiles',
    summary: 'list and show what ships with moeprof',
    group: 'Look into inputs',
    example: 'profiles list hardware',
    load: () => import('./profiles.js'),
  },
  {
    name: 'explain',
    summary: 'what a metric or a warning means',
    group: 'Help and set-up',
    example: 'explain cache.hit_rate',
    load: () => import('./explain.js'),
  },
  {
    name: 'init',
    summary: 'write a starter profile, budgets and a CI job',
    group: 'Help and set-up',
    example: 'init --ci gitlab',
    load: () => import('./init.js'),
  },
  {
    name: 'schema',
    summary: 'JSON Schema of a file, for editors',
    group: 'Help and set-up',
    example: 'schema run > run.schema.json',
    load: () => import('./schema.js'),
  },
  {
    name: 'completion',
    summary: 'completion for bash, zsh or fish',
    group: 'Help and set-up',
    example: 'completion bash',
    load: async () => (await import('./completion.js')).completionOf(commands),
  },
  {
    name: 'doctor',
    summary: 'what of this machine moeprof can use',
    group: 'Help and set-up',
    example: 'doctor',
    load: () => import('./doctor.js'),
  },
];
