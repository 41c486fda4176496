// `moeprof advise --tune`: a benchmark is run with the settings that settle which is best, and the file of the machine keeps what it measured.
import { type AdviceWishes, type MachineFinder, type TuneBasis, tuneBasisOn } from '../advise/door.js';
import { commandWords } from '../base/command-words.js';
import { codeOf, EXIT, messageOf, UserError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { availableParallelism } from '../base/host/machine.js';
import { programEnd } from '../base/host/processes.js';
import { readText, statOf } from '../base/input-file.js';
import { isPath } from '../base/profiles.js';
import { formatNs, parseDuration } from '../base/units.js';
import { isComposed, loadRuntime, type MachineFile, readMachineFile } from '../hardware/door.js';
import { calibratedFileText } from '../measured/machine/calibrated-machine.js';
import { bothSpeeds, leftText, type TunedAdvice } from '../measured/tune/report.js';
import { type BenchTests, endOf, keptEnds, pointTiming, priorsOf, settingText, withEntry } from '../measured/tune/rows.js';
import { MOST_RUNS, tune } from '../measured/tune/tune.js';
import { hardwareOfFile } from '../runtime/machine.js';
import { costOf, type Speeds } from '../runtime/setting/goal.js';
import { timingsOfFile, timingsOfFlags, toldTiming } from '../runtime/timings.js';
import type { CliContext } from './kit/context.js';
import { positiveCount, type Texts } from './kit/options.js';
import { watched } from './kit/watched.js';
import { machineToMeasure } from './machine/calibrate.js';

export { tuneReports } from '../measured/tune/report.js';

/** Flags of `advise --tune`. */
export interface TuneFlags extends Texts<'hardware' | 'keep' | 'tune'> {
  readonly tuneLimit: string;
  readonly timing: readonly string[];
}

/** Where timings go whose machine has no file. */
const KEPT = 'moeprof-machine.yaml';
/** Tokens that the benchmark generates, and its repeats, where nothing is said: seconds of a slow machine, and a spread. */
const GENERATED = 64;
const REPEATS = 2;
/** Bytes that a benchmark may print: far more than a table. */
const MOST_PRINTED = 2 ** 24;

/** Tunes the settings of a model. @throws UserError where a flag is wrong, nothing fits, or the file is another machine's */
export async function tunedAdvice(context: CliContext, model: string, flags: TuneFlags, wishes: AdviceWishes): Promise<TunedAdvice> {
  const [program, ...given] = commandWords(flags.tune!, '--tune');
  const limit = parseDuration(flags.tuneLimit, '--tune-limit');
  const { file, path } = await keptMachine(flags);
  const found: MachineFinder = async ({ profile }) => {
    const hardware = hardwareOfFile(file, path, [], profile === null ? null : loadRuntime(profile));
    return { hardware, notes: [...(file.remarks ?? []), ...(file.notSeen ?? [])] };
  };
  const whole = await tuneBasisOn(model, found, wishes);
  const { repeats, tests, words } = benchWords(whole, given);
  // What the command sets itself is the same in all of them.
  const byLine = new Map(
    whole.points.toReversed().map((point) => [JSON.stringify(point.flags.filter((_, i) => !isGiven(given, point.flags, i))), point]),
  );
  const basis = { ...whole, points: [...byLine.values()].reverse() };
  const lines = [...byLine.keys()].reverse().map((flags) => [...words, ...(JSON.parse(flags) as string[])]);
  const timings = lines.map((line) => pointTiming(basis, line, tests));
  const { ends, others } = keptEnds(timings, file, [...timingsOfFile(file.timings, `${path}: timings`), ...timingsOfFlags(flags.timing)]);
  const { elsewhere, priors } = await watched(context, 'predicting', 'speeds', (watch) =>
    priorsOf(basis.points, timings, others, file, availableParallelism(), watch),
  );
  let text =
    statOf(path) === undefined
      ? calibratedFileText({ before: file, timings: [], date: today(), rates: null, calibrations: [] })
      : readText(path);
  let count = ends.size;
  if (count > 0) context.note(`${path}: holds ${count} of these settings already; they are not run again`);
  const keep = (list: 'timings' | 'failed', entry: string): void => {
    text = withEntry(text, list, entry);
    writeFileAtomic(path, text);
  };
  const run = async (at: number, predicted: Speeds) => {
    const took = formatNs(secondsOf(predicted, tests, repeats) * 1e9);
    context.note(
      `${++count} of at most ${MOST_RUNS}: ${basis.points[at]!.flags.join(' ')}: predicted ${bothSpeeds(predicted)}, about ${took}`,
    );
    const end = endOf(await ended(program!, lines[at]!, limit / 1e6), repeats, flags.tuneLimit);
    if ('failed' in end) keep('failed', `${settingText(timings[at]!)}: ${end.failed}`);
    else keep('timings', toldTiming({ ...timings[at]!, decode: rounded(end.decode), prefill: rounded(end.prefill) }));
    return end;
  };
  const cost = (speeds: Speeds): number => costOf(basis.goal, speeds, 1, basis.request);
  const tuned = await tune({
    ...{ points: basis.points, priors, elsewhere, before: ends, cost, run },
    tell: ({ end }, left) =>
      context.note(`   ${'failed' in end ? `does not run: ${end.failed}` : `measured ${bothSpeeds(end)}`}; ${leftText(left)}`),
  });
  if (tuned.best === null) context.setExitCode(EXIT.gateFailed);
  return { basis, tuned, kept: path };
}

/** The machine whose file keeps the timings, as it is there or is to be. @throws UserError where the file is of another one */
async function keptMachine({ hardware, keep }: TuneFlags): Promise<{ file: MachineFile; path: string }> {
  const own = hardware !== undefined && isPath(hardware) && !isComposed(hardware) ? hardware : undefined;
  const path = keep ?? own ?? KEPT;
  const known = statOf(path) === undefined ? null : readMachineFile(isPath(path) ? path : `./${path}`);
  if (known === null) return { file: await machineToMeasure(hardware), path };
  if (path === own) return { file: known, path };
  const { parts } = await machineToMeasure(hardware);
  if (parts.join('+') === known.parts.join('+')) return { file: known, path };
  throw new UserError(`${path}: is of another machine, ${known.parts.join('+')}; name a file of this one with --keep`);
}

/** Words of the benchmark before those of a setting, and its tests. @throws UserError where they set what is to be tuned, or name no model */
function benchWords({ benchmark, file, request, points }: TuneBasis, given: readonly string[]) {
  const wrong = given.find((word) => PLACING.test(word));
  if (wrong !== undefined) throw new UserError(`--tune: ${wrong} decides what fits in memory, and is what is tuned; leave it out`);
  const value = (names: readonly string[]): string | undefined =>
    given[given.findLastIndex((word) => names.includes(word)) + 1 || given.length];
  const count = (usual: number, ...names: readonly string[]): number => {
    const said = value(names);
    return said === undefined ? usual : positiveCount(`--tune: ${names[0]}`, said);
  };
  const longest = Math.max(...points.map(({ setting }) => setting.ubatch));
  const tests: BenchTests = {
    prompt: count(Math.min(request.prompt, longest), '-p', '--n-prompt'),
    generated: count(GENERATED, '-n', '--n-gen'),
    depth: value(['-d', '--n-depth']) === '0' ? 0 : count(0, '-d', '--n-depth'),
  };
  const repeats = count(REPEATS, '-r', '--repetitions');
  const named = given.some((word) => /^(-m|--model|-hf|-hfr|--hf-repo)$/.test(word));
  if (!named && file === null) throw new UserError(`--tune: names no model file; write e.g. "${benchmark.command} -m model.gguf"`);
  const usual = [
    named ? [] : ['-m', file!],
    ['-p', `${tests.prompt}`],
    ['-n', `${tests.generated}`],
    ['-r', `${repeats}`],
    ['-o', 'jsonl'],
  ];
  return { repeats, tests, words: [...given, ...usual.filter(([flag]) => flag !== undefined && !given.includes(flag)).flat()] };
}

/** Flags of placements, passes and the KV cache. */
const PLACING =
  /^(-ngl|-ncmoe|-ot|-ub|-b|-ct[kv]|-ts|--(n-gpu-layers|n-cpu-moe|override-tensor|u?batch-size|cache-type-[kv]|tensor-split))$/;

/** True for the word at an index, or its flag, where the command sets that flag itself. */
function isGiven(given: readonly string[], flags: readonly string[], i: number): boolean {
  const flag = flags[i]!.startsWith('-') ? flags[i]! : flags[i - 1]!;
  return given.includes(flag);
}

/** Seconds that a run takes, with the one that warms up. */
function secondsOf({ decode, prefill }: Speeds, { depth, generated, prompt }: BenchTests, repeats: number): number {
  return (repeats + 1) * ((prompt + depth) / prefill + generated / decode);
}

/** @throws UserError where the program cannot be started */
async function ended(program: string, words: readonly string[], timeout: number) {
  try {
    return await programEnd(program, words, { mostBytes: MOST_PRINTED, timeout });
  } catch (error) {
    if (codeOf(error) !== undefined)
      throw new UserError(`--tune: ${program}: cannot be run (${codeOf(error)}); write the path of a program`);
    return { stdout: '', stderr: messageOf(error), code: 1, signal: null, late: false };
  }
}

const today = (): string => new Date().toISOString().slice(0, 10);
/** Four digits are more than repeats agree in. */
const rounded = (speed: number): number => Number(speed.toPrecision(4));
