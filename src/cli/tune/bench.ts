// `moeprof advise --tune`: benchmarks close settings, and keeps timings in a machine file.
import { type AdviceWishes, type TuneBasis, tuneBasisOn } from '../../advise/door.js';
import { commandWords } from '../../base/command-words.js';
import { EXIT, UserError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { formatNs, parseDuration } from '../../base/units.js';
import { bothSpeeds, endText, sureText, type TunedAdvice } from '../../measured/tune/report.js';
import { type BenchTests, benchSpeeds, endOf, keptEnds, pointTiming } from '../../measured/tune/rows.js';
import { MOST_RUNS, type RunEnd, tune } from '../../measured/tune/tune.js';
import { ALONE, costOf, type Speeds } from '../../runtime/door.js';
import type { CliContext } from '../kit/context.js';
import { positiveCount } from '../kit/options.js';
import { finderOf, keptMachine, keptText, predictedPoints, type TuneFlags, taughtBy, withEnd } from './kept.js';
import { MOST_PRINTED, modelWords, refuseTuned, runToEnd, USUAL_LIMIT, valueAfter } from './program.js';

/** Default tokens and repeats of the benchmark. Ours: seconds on a slow machine, and a spread. */
const [GENERATED, REPEATS] = [64, 2];

/** @throws UserError for a wrong flag, if nothing fits, or the file is another machine's */
export async function benchTunedAdvice(context: CliContext, model: string, flags: TuneFlags, wishes: AdviceWishes): Promise<TunedAdvice> {
  const [program, ...given] = commandWords(flags.tune!, '--tune');
  const { tuneLimit = USUAL_LIMIT, tuneText } = flags;
  if (tuneText !== undefined) throw new UserError(`--tune-text ${tuneText}: is for llama-server; a benchmark makes its own prompts`);
  const limit = parseDuration(tuneLimit, '--tune-limit');
  const kept = await keptMachine(flags);
  const { file, path } = kept;
  const basis = await tuneBasisOn(model, finderOf(kept), wishes);
  const { repeats, tests, words } = benchWords(basis, given);
  const { points } = basis;
  const timings = points.map((point) => pointTiming(basis, [...words, ...point.flags], tests));
  const { ends, others } = keptEnds(timings, file, taughtBy(kept, flags));
  const known = await predictedPoints(context, kept, points, timings, others);
  let text = keptText(path, file);
  if (ends.size > 0) context.note(`${path}: holds ${ends.size} of these settings already; they are not run again`);
  let count = ends.size;
  const run = async (at: number, predicted: Speeds): Promise<RunEnd> => {
    const { depth, generatedTokens, promptTokens } = tests;
    const seconds = (repeats + 1) * ((promptTokens + depth) / predicted.prefill + generatedTokens / predicted.decode);
    const prediction = `predicted ${bothSpeeds(predicted)}, about ${formatNs(seconds * 1e9)}`;
    context.note(`${++count} of at most ${MOST_RUNS}: ${points[at]!.flags.join(' ')}: ${prediction}`);
    const end = endOf(
      await runToEnd(program!, [...words, ...points[at]!.flags], { mostBytes: MOST_PRINTED, timeout: limit / 1e6 }),
      tuneLimit,
      benchSpeeds,
    );
    text = withEnd(text, timings[at]!, end);
    writeFileAtomic(path, text);
    return end;
  };
  const tuned = await tune({
    ...{ ...known, points, before: ends, run },
    cost: (speeds) => costOf(basis.goal, speeds, ALONE, basis.request),
    tell: ({ end }, chance) => context.note(`   ${endText(end)}; ${sureText(chance)}`),
  });
  if (tuned.best === null) context.setExitCode(EXIT.gateFailed);
  return { basis, tuned, kept: path };
}

/** Benchmark words and tests. @throws UserError for words under tuning, or without a model */
function benchWords({ file, points, request }: TuneBasis, given: readonly string[]) {
  refuseTuned(given, []);
  const count = (usual: number, least: number, ...names: readonly string[]): number => {
    const count = valueAfter(given, ...names) ?? `${usual}`;
    return least === 0 && count === '0' ? 0 : positiveCount(`--tune: ${names[0]}`, count);
  };
  const longest = Math.max(...points.map(({ setting }) => setting.ubatch));
  const tests: BenchTests = {
    promptTokens: count(Math.min(request.prompt, longest), 1, '-p', '--n-prompt'),
    generatedTokens: count(GENERATED, 1, '-n', '--n-gen'),
    depth: count(0, 0, '-d', '--n-depth'),
  };
  const repeats = count(REPEATS, 1, '-r', '--repetitions');
  const usual = [
    ...modelWords(given, file, 'llama-bench'),
    ...[
      ['-p', `${tests.promptTokens}`],
      ['-n', `${tests.generatedTokens}`],
      ['-r', `${repeats}`],
      ['-o', 'jsonl'],
    ],
  ];
  return { repeats, tests, words: [...given, ...usual.filter(([flag]) => !given.includes(flag!)).flat()] };
}
