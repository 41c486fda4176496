import { adviceReports } from '../advise/door.js';
import { ADVISED, DEFAULT_RUNTIME } from '../runtime/door.js';
import { type OptionsOf, options } from './kit/declared.js';
import { htmlPage, output, TIMING } from './kit/groups.js';

/** What the command takes. */
export const ADVISE = options({
  '[model...]':
    'a name, a GGUF file or hf:owner/repo[:format]; also a folder or a config.json; of several, or of all bundled ones, how fast each runs',
  '-w, --hardware <machine>': 'parts such as rtx-3060+32GB, a name or a file; without, this one is detected',
  '-t, --trace <trace>': 'recorded routing to price settings on; without, it is drawn as the model routes',
  ...TIMING,
  '--runtime <name>': [
    `runtime: ${ADVISED.map(({ name }) => name).join(', ')}, or any`,
    { shown: `${DEFAULT_RUNTIME}; for AWQ, EXL3 or MLX in a name what reads it` },
  ],
  'What is wanted:': '',
  '--goal <goal>': ['request, decode, prefill or ttft=2s,tpot=50ms; request: a whole one soon', { default: 'request' }],
  '--context <tokens>': ['context of each user', { shown: '16384, or more for a longer --prompt, or what the model was trained on' }],
  '--prompt <tokens>': ['prompt that figures are for', { shown: '4096, or half of the context' }],
  '--answer <tokens>': ['answer that figures are for', { shown: '512' }],
  '--users <n>': ['users at a time, each with prompts of their own', { default: '1' }],
  '--quantizations <formats>': 'formats on offer, the most wanted first: q4_k_m,ud-q2_k_xl',
  '--drafts <tokens>': 'drafted tokens a pass: 2, or 0..4',
  '--accepted <share>': [
    'share of drafted tokens that are right, as engines print it: 42%, or 42% of 4',
    { shown: '70 % of each token, given those before it' },
  ],
  '--drafter <what>': ["mtp (the model's own layers) or ngram (the text itself)", { default: 'mtp' }],
  '--slots <n>': [
    "slots of each layer in the engine's expert cache; 40x20: of the first 20, the others whole on the card; 0: no cache",
    { shown: 'as many as fit, if a cache is surely faster' },
  ],
  '--best <n>': ['of all bundled models only so many that fit, the best by published quality', { shown: '8; all with --verbose' }],
  '--quality <file>': [
    'a table of scores to order models by, a row each: name score',
    { shown: 'Artificial Analysis index, September and May 2026' },
  ],
  '--shell <shell>': ['the shell that lines are for', { choices: ['sh', 'powershell', 'cmd'], shown: "that of the machine's system" }],
  '--explain': 'a sentence for each flag',
  'What is measured:': '',
  '--tune <command>': [
    'run a benchmark ("llama-bench -m model.gguf") a few times with the settings that settle which is best; "llama-server -m model.gguf": with its expert cache and without',
    { excludes: ['explain', 'trace'] },
  ],
  '--tune-limit <time>': ['most time of one run of it', { shown: '10min' }],
  '--tune-text <file>': ['what llama-server answers in these runs: a text like yours', { shown: "moeprof's explanations" }],
  '--keep <file>': [
    'file of the machine for its timings, from which it goes on after an end',
    { shown: 'that of -w, or moeprof-machine.yaml' },
  ],
  ...output(adviceReports),
  '--markdown': ['short for --format markdown', { excludes: ['format', 'json'] }],
  ...htmlPage('write a page for a browser'),
});

/** Flags of the command. */
export type AdviseOptions = OptionsOf<typeof ADVISE>;
