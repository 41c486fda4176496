import { type OptionsOf, options } from './kit/declared.js';
import { TRACED_MODEL, TRACES_FORMAT } from './kit/groups.js';

/** Options of both subcommands. */
export const JUDGED = options({
  'What is judged, after what:': '',
  ...TRACED_MODEL,
  '-t, --trace <trace>...': 'trace to learn from, repeatable; trace#FROM:TO is a range of its rows',
  '--eval <trace>...': 'trace to be judged on, repeatable',
  '--holdout <share>': ['part of the traces to be judged on where there is no --eval', { default: '20%' }],
  ...TRACES_FORMAT,
  '--batch-accuracy <n>': ['tokens per batch whose union of paths is judged', { default: '16' }],
  '--every <n>': 'judge predictions during the pass on every nth token (default: so that about 500 are)',
  '--min-probability <p>': ['precision is that of predictions at least so probable', { default: '0.15' }],
  '--seed <n>': ['seed of everything that is drawn', { default: '1' }],
});

/** What the command takes. */
export const TRAIN = options({
  ...JUDGED,
  '--kind <kind>': [
    'paths: from paths and token ids; rpp: ExpertFlow’s encoder of token ids',
    { choices: ['paths', 'rpp'], default: 'paths' },
  ],
  'Network of paths (--kind paths):': '',
  '--hidden <n>': 'units of the hidden layer (default: 256)',
  '--rank <n>': 'width of the low-rank encodings (default: 64)',
  '--no-token-id': 'do not look at token ids',
  '--no-observed': 'do not look at the running pass: no correction, but one prediction per pass',
  'Encoder of token ids (--kind rpp):': '',
  '--no-history': 'read ids alone, not which experts the tokens before used',
  'Training:': '',
  '--epochs <n>': 'most passes over the traces; training stops early where held-out loss rises (default: 8; rpp: 12)',
  '--batch <n>': 'tokens per step (default: 256; rpp: 512)',
  '--lr <rate>': 'highest learning rate (default: 0.003; rpp: 0.004)',
  'Output:': '',
  '-o, --output <file.onnx>': ['where the predictor goes', { required: true }],
  '--report <[format=]path>...': 'write the report to a file, repeatable (.json, .txt)',
  '--json': 'print the report as JSON',
});

/** Flags of the command. */
export type TrainOptions = OptionsOf<typeof TRAIN>;
