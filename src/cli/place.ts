import type { Command } from 'commander';
import { placed, UserError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { existsSync } from '../base/host/files.js';
import { parseCount, parseShare } from '../base/units.js';
import type { Override } from '../base/yaml.js';
import {
  answerPlacement,
  BASES,
  besidePath,
  type Part,
  type PlaceRequest,
  PROFILE_FORMATS,
  placeReports,
  type RunWith,
  requestFor,
  SPLITS,
} from '../place/door.js';
import { checkRun } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { positiveCount } from './kit/options.js';
import { isSameFile, Outputs, stdoutFormat } from './kit/outputs.js';
import { watched } from './kit/watched.js';
import { ROUTING, routingOverrides, setOverride } from './run-options.js';

const PLACE = options({
  '[action]': ['judge: what a profile is worth; merge: several profiles or texts as one', { choices: ['judge', 'merge'] }],
  '[profile]': 'the profile to judge, or those to merge with their weights: code.json:3,wiki.json:1',
  'What is counted, what judges:': '',
  ...ROUTING,
  '--eval <trace>...': 'text to judge by, repeatable; unless given, the last part of each counted text',
  '--holdout <share>': ['that part', { default: '50%' }],
  '--in-sample': 'judge by counted text as well, and say so',
  '--by <basis>': [
    'rank experts by how often, with which gate weight, or how soon again they are expected to be chosen',
    { choices: BASES, default: 'counts' },
  ],
  'What stays:': '',
  '-w, --hardware <machine>': 'machine to price it on: a bundled name, a YAML file, or parts (rtx-3090+ryzen-9-7950x)',
  '--runtime <runtime>': 'software that executes it, in place of the engine’s own',
  '--tokens <n>': ['tokens of a run that prices it, from the start of the first judged text', { default: '1000' }],
  '--set <path=value>...': 'set any value of these runs, system.*, hardware.*, runtime.* or model.*, repeatable',
  '--slots <size>': 'experts that stay: auto (what the machine leaves), 16 of each layer, 25%, 8GiB',
  '--split <split>': ['as many of each layer, by skew, or whole layers', { choices: SPLITS }],
  '--gpus <n>': 'GPUs that share all experts (expert parallelism)',
  '--redundant <n>': 'slots of a layer beyond one for each expert, with --gpus',
  'Output:': '',
  '-o, --output <file>': 'the profile that the engine loads',
  '--for <engine>': `the engine: ${PROFILE_FORMATS.map(({ name }) => name).join(', ')}`,
  '--report <[format=]path>...': 'write the report to a file, repeatable (.json, .csv, .md, .svg, .html)',
  '--format <name>': 'what to print on stdout',
  '--json': ['short for --format json', { excludes: 'format' }],
});

type Flags = OptionsOf<typeof PLACE>;

/** Help. */
export const help = `Examples:
  moeprof place -t code.safetensors
  moeprof place -t t.safetensors -w rtx-3060+64GB --for exllamav3 -o p.json
  moeprof place -t code.safetensors --eval tuesday.safetensors --slots 16
  moeprof place judge code.json -t tuesday.safetensors
  moeprof place merge code.json:3,wiki.json:1 -t both.safetensors
  moeprof place -t t.safetensors --split last-layers --for llama.cpp -o a.txt
  moeprof place -t t.safetensors --gpus 8 --redundant 8 --for sglang -o map.json

A text is judged by what was not counted: the second half of each recording, or
--eval. Fewer than four windows of 512 tokens give no score.`;

/** `moeprof place [judge | merge]`. */
export function define(command: Command, context: CliContext): void {
  declared(command, PLACE, { first: ['-m', '-t', '-w', '--for', '-o'] }).action(
    (action: string | undefined, what: string | undefined, flags: Flags) => place(action, what, flags, context),
  );
}

async function place(action: string | undefined, what: string | undefined, flags: Flags, context: CliContext): Promise<void> {
  const request = requestOf(action, what, flags);
  const { output } = flags;
  const inputs = [...request.parts.map(({ named }) => named), ...request.judged];
  const over = output !== undefined && inputs.some((named) => isSameFile(named.replace(/#\d*:\d*$/, ''), output));
  if (over) throw new UserError(`-o ${output}: is a file that is read; write to another path`);
  const outputs = Outputs.open(context, placeReports, flags.report, stdoutFormat({ ...flags, output: [] }), inputs);
  try {
    await outputs.load();
    const machine = flags.hardware === undefined ? [] : [{ path: ['hardware'], value: flags.hardware, label: '--hardware' }];
    const named: Override[] = [
      ...flags.set.map(setOverride),
      ...routingOverrides({ ...flags, trace: [] }, { tokens: flags.tokens }),
      ...machine,
    ];
    const last = flags.runtime === undefined ? [] : [{ path: ['runtime'], value: flags.runtime, label: '--runtime' }];
    const runWith: RunWith = (values) => checkRun({}, 'moeprof place', [...named, ...values, ...last]);
    const answer = await watched(context, 'placing', 'texts', (watch) => answerPlacement(request, runWith, watch, output ?? 'FILE'));
    if (output !== undefined) write(output, request, answer.placed);
    const silent =
      context.options.quiet && output !== undefined && flags.report.length === 0 && flags.format === undefined && flags.json !== true;
    if (!silent) await outputs.deliver(answer.placement);
  } finally {
    outputs.abort();
  }
}

function write(path: string, { engine }: PlaceRequest, what: Awaited<ReturnType<typeof answerPlacement>>['placed']): void {
  writeFileAtomic(path, engine!.write(what, path));
  if (!engine!.keeps(path)) writeFileAtomic(besidePath(path), `${JSON.stringify(what.fingerprint)}\n`);
}

/** @throws UserError for conflicting flags */
function requestOf(action: string | undefined, what: string | undefined, flags: Flags): PlaceRequest {
  const { by, eval: texts, for: engine, hardware, inSample, output, redundant, slots, split } = flags;
  if (action !== undefined && what === undefined) throw new UserError(`place ${action}: name a profile, e.g. code.json`);
  if ((engine === undefined) !== (output === undefined))
    throw new UserError('-o and --for: say both, the file and the engine that loads it');
  const gpus = flags.gpus === undefined ? null : positiveCount('--gpus', flags.gpus, 4096);
  if (gpus === null && redundant !== undefined) throw new UserError('--redundant: copies need GPUs to lie on; say how many with --gpus');
  const holdOut = parseShare(flags.holdout, '--holdout');
  if (!(holdOut > 0 && holdOut < 1)) throw new UserError(`--holdout ${flags.holdout}: must be more than 0 and less than all, e.g. 50%`);
  const parts = action === undefined ? flags.trace.map((named): Part => ({ named, weight: 1 })) : partsOf(what!);
  const wishes = {
    ...{ by, holdOut, inSample },
    judged: action === undefined ? texts : [...flags.trace, ...texts],
    parallel: gpus === null ? null : { gpus, redundant: redundant === undefined ? 0 : parseCount(redundant, '--redundant') },
    ...(split === undefined ? {} : { split }),
    ...(slots === undefined && action !== 'judge' ? {} : { slots: slots ?? 'auto' }),
    ...(engine === undefined ? {} : { engine }),
  };
  if (action === 'judge' && wishes.judged.length === 0)
    throw new UserError('place judge: no text judges it; name a recording with --trace');
  const request = placed('place', () => requestFor(parts, wishes, hardware !== undefined));
  const { extensions, name } = request.engine ?? {};
  if (extensions?.some((ending) => output!.endsWith(ending)) === false)
    throw new UserError(`-o ${output}: ${name} reads ${extensions.join(', ')}; give it such an ending`);
  return request;
}

/** Reads `code.json:3,wiki.json`; 3 is a weight, except in a range of rows. @throws UserError */
const partsOf = (text: string): Part[] =>
  text.split(',').map((part) => {
    const [, named = part, weight = '1'] = (existsSync(part) ? null : /^(.*?)(?<!#\d*):(\d+(?:\.\d+)?)$/.exec(part.trim())) ?? [];
    if (named.trim() === '' || Number(weight) <= 0)
      throw new UserError(`place merge ${part}: write a profile and a weight above 0, e.g. code.json:3`);
    return { named: named.trim(), weight: Number(weight) };
  });
