// `moeprof advise --tune`: benchmarks close settings, and keeps timings in a machine file.
import { type AdviceWishes, type MachineFinder, type TuneBasis, tuneBasisOn } from '../advise/door.js';
import { commandWords } from '../base/command-words.js';
import { codeOf, EXIT, messageOf, UserError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { availableParallelism } from '../base/host/machine.js';
import { type ProgramEnd, programEnd } from '../base/host/processes.js';
import { readText, statOf } from '../base/input-file.js';
import { isPath } from '../base/profiles.js';
import { formatNs, parseDuration } from '../base/units.js';
import { isComposed, loadRuntime, type MachineFile, readMachineFile } from '../hardware/door.js';
import { calibratedFileText } from '../measured/machine/calibrated-machine.js';
import { bothSpeeds, sureText, type TunedAdvice } from '../measured/tune/report.js';
import { type BenchTests, endOf, keptEnds, pointFigures, pointTiming, settingText, withEntry } from '../measured/tune/rows.js';
import { MOST_RUNS, type RunEnd, tune } from '../measured/tune/tune.js';
import { costOf, hardwareOfFile, type Speeds, timingsOfFile, timingsOfFlags, timingText } from '../runtime/door.js';
import type { AdviseOptions } from './advise-flags.js';
import type { CliContext } from './kit/context.js';
import { positiveCount } from './kit/options.js';
import { watched } from './kit/watched.js';
import { machineToMeasure } from './machine/calibrate.js';

export { tuneReports } from '../measured/tune/report.js';

/** Flags of `advise --tune`. */
export type TuneFlags = Pick<AdviseOptions, 'hardware' | 'keep' | 'timing' | 'tune' | 'tuneLimit'>;

const KEPT = 'moeprof-machine.yaml';
/** Default tokens and repeats of the benchmark. Ours: seconds on a slow machine, and a spread. */
const [GENERATED, REPEATS] = [64, 2];
/** Most bytes that a benchmark may print. Ours. */
const MOST_PRINTED = 2 ** 24;

/** @throws UserError for a wrong flag, if nothing fits, or the file is another machine's */
export async function tunedAdvice(context: CliContext, model: string, flags: TuneFlags, wishes: AdviceWishes): Promise<TunedAdvice> {
  const [program, ...given] = commandWords(flags.tune!, '--tune');
  const { tuneLimit = '10min' } = flags;
  const limit = parseDuration(tuneLimit, '--tune-limit');
  const { file, path } = await keptMachine(flags);
  const found: MachineFinder = async ({ profile }) => {
    const hardware = hardwareOfFile(file, path, [], profile === null ? null : loadRuntime(profile));
    return { hardware, notes: [] };
  };
  const basis = await tuneBasisOn(model, found, wishes);
  const { repeats, tests, words } = benchWords(basis, given);
  const { points } = basis;
  const timings = points.map((point) => pointTiming(basis, [...words, ...point.flags], tests));
  const { ends, others } = keptEnds(timings, file, [...timingsOfFile(file.timings, `${path}: timings`), ...timingsOfFlags(flags.timing)]);
  const known = await watched(context, 'predicting', 'speeds', (watch) =>
    pointFigures(points, timings, others, file, availableParallelism(), watch),
  );
  const date = new Date().toISOString().slice(0, 10);
  const begun = { before: file, timings: [], date, rates: null, learned: null };
  let text = statOf(path) === null ? calibratedFileText(begun) : readText(path);
  if (ends.size > 0) context.note(`${path}: holds ${ends.size} of these settings already; they are not run again`);
  let count = ends.size;
  const run = async (at: number, predicted: Speeds): Promise<RunEnd> => {
    const { depth, generatedTokens, promptTokens } = tests;
    const seconds = (repeats + 1) * ((promptTokens + depth) / predicted.prefill + generatedTokens / predicted.decode);
    const prediction = `predicted ${bothSpeeds(predicted)}, about ${formatNs(seconds * 1e9)}`;
    context.note(`${++count} of at most ${MOST_RUNS}: ${points[at]!.flags.join(' ')}: ${prediction}`);
    const end = endOf(await ended(program!, [...words, ...points[at]!.flags], limit / 1e6), tuneLimit);
    // Repeats agree in fewer than four digits.
    const [decode, prefill] = 'failed' in end ? [] : [end.decode, end.prefill].map((speed) => Number(speed.toPrecision(4)));
    if ('failed' in end) text = withEntry(text, 'failed', `${settingText(timings[at]!)}: ${end.failed}`);
    else text = withEntry(text, 'timings', timingText({ ...timings[at]!, decode: decode!, prefill: prefill! }));
    writeFileAtomic(path, text);
    return end;
  };
  const tuned = await tune({
    ...{ ...known, points, before: ends, run },
    cost: (speeds) => costOf(basis.goal, speeds, 1, basis.request),
    tell: ({ end }, chance) =>
      context.note(`   ${'failed' in end ? `does not run: ${end.failed}` : `measured ${bothSpeeds(end)}`}; ${sureText(chance)}`),
  });
  if (tuned.best === null) context.setExitCode(EXIT.gateFailed);
  return { basis, tuned, kept: path };
}

/** @throws UserError if the file is another machine's */
async function keptMachine({ hardware, keep }: TuneFlags): Promise<{ file: MachineFile; path: string }> {
  const machineFile = hardware !== undefined && isPath(hardware) && !isComposed(hardware) ? hardware : undefined;
  const path = keep ?? machineFile ?? KEPT;
  const known = statOf(path) === null ? null : readMachineFile(isPath(path) ? path : `./${path}`);
  const file = path === machineFile && known !== null ? known : await machineToMeasure(hardware);
  if (known === null || file.parts.join('+') === known.parts.join('+')) return { file: known ?? file, path };
  throw new UserError(`${path}: is of another machine, ${known.parts.join('+')}; name a file of this one with --keep`);
}

/** Flags that decide memory use, or are tuned. */
const TUNED =
  /^(-ngl|-ncmoe|-ot|-ub|-b|-ct[kv]|-ts|-t|-fa|-lm|--(n-gpu-layers|n-cpu-moe|override-tensor|u?batch-size|cache-type-[kv]|tensor-split|threads|flash-attn|load-mode))$/;

/** Benchmark words and tests. @throws UserError for words under tuning, or without a model */
function benchWords({ file, points, request }: TuneBasis, given: readonly string[]) {
  const wrong = given.find((word) => TUNED.test(word));
  if (wrong !== undefined) throw new UserError(`--tune: ${wrong} is what is tuned; leave it out`);
  const count = (usual: number, least: number, ...names: readonly string[]): number => {
    const at = given.findLastIndex((word) => names.includes(word));
    const count = at < 0 ? `${usual}` : (given[at + 1] ?? '');
    return least === 0 && count === '0' ? 0 : positiveCount(`--tune: ${names[0]}`, count);
  };
  const longest = Math.max(...points.map(({ setting }) => setting.ubatch));
  const tests: BenchTests = {
    promptTokens: count(Math.min(request.prompt, longest), 1, '-p', '--n-prompt'),
    generatedTokens: count(GENERATED, 1, '-n', '--n-gen'),
    depth: count(0, 0, '-d', '--n-depth'),
  };
  const repeats = count(REPEATS, 1, '-r', '--repetitions');
  const named = given.some((word) => /^(-m|--model|-hf|-hfr|--hf-repo)$/.test(word));
  if (!named && file === null) throw new UserError('--tune: names no model file; write e.g. "llama-bench -m model.gguf"');
  const usual = [
    ...(named ? [] : [['-m', file!]]),
    ...[
      ['-p', `${tests.promptTokens}`],
      ['-n', `${tests.generatedTokens}`],
      ['-r', `${repeats}`],
      ['-o', 'jsonl'],
    ],
  ];
  return { repeats, tests, words: [...given, ...usual.filter(([flag]) => !given.includes(flag!)).flat()] };
}

/** @throws UserError if the program cannot be started */
async function ended(program: string, words: readonly string[], timeout: number): Promise<ProgramEnd> {
  try {
    return await programEnd(program, words, { mostBytes: MOST_PRINTED, timeout });
  } catch (error) {
    if (codeOf(error) !== null) throw new UserError(`--tune: ${program}: cannot be run (${codeOf(error)}); write the path of a program`);
    return { stdout: '', stderr: messageOf(error), code: 1, signal: null, late: false };
  }
}
