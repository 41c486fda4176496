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
  type Split,
} from '../place/door.js';
import { checkRun } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { type Lists, positiveCount, type Switches, type Texts, type Words } from './kit/options.js';
import { isSameFile, Outputs, stdoutFormat } from './kit/outputs.js';
import { watched } from './kit/watched.js';
import { type RoutingFlags, routingOverrides, setOverride } from './run-options.js';

type Optional = Texts<'hardware' | 'runtime' | 'for' | 'gpus' | 'redundant' | 'output' | 'format' | 'slots'>;
interface Flags
  extends RoutingFlags,
    Optional,
    Lists<'eval' | 'set' | 'report'>,
    Words<'holdout'>,
    Required<Switches<'inSample'>>,
    Switches<'json'> {
  readonly by: PlaceRequest['by'];
  readonly split?: Split;
}

/** `moeprof place [judge | merge]`: chooses resident experts for an engine's file, judged by held-out text. */
export function define(command: Command, context: CliContext): void {
  const words = { bases: BASES, splits: SPLITS, engines: PROFILE_FORMATS.map(({ name }) => name) };
  declared(command, 'place', { words, formats: placeReports }).action(
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
    const named: Override[] = [...flags.set.map(setOverride), ...routingOverrides({ ...flags, trace: [] }), ...machine];
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
