import { parseDocument } from 'yaml';
import type { TuneBasis, TunePoint } from '../../advise/door.js';
import { UserError } from '../../base/errors.js';
import type { ProgramEnd } from '../../base/host/processes.js';
import { definedFields } from '../../base/objects.js';
import { isPath } from '../../base/profiles.js';
import { visible } from '../../base/text.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { type MachineFile, machineOfFile, type PredictedFigure, type TaughtFigure } from '../../hardware/door.js';
import { type Speeds, settingsOfFlags, type Timing, timingsOf, timingText } from '../../runtime/door.js';
import { spreadRows } from '../machine/learn.js';
import { joinedPhases, measurementsOf } from '../machine/timing-row.js';
import { runtimesFor } from '../validate/constants.js';
import { predictRowVariants } from '../validate/predict-all.js';
import type { Measurement } from '../validate/rows/measurement.js';
import { taughtFigures } from '../validate/taught.js';
import type { TunedFigures } from './choice.js';
import type { RunEnd } from './tune.js';

/** Tokens of a benchmark: prompt, generated, preceding context. */
export type BenchTests = Required<Pick<Timing, 'promptTokens' | 'generatedTokens' | 'depth'>>;

/** Timing of a point at 1 token/s. @param words of the command line */
export function pointTiming({ model, quantization, runtime }: TuneBasis, words: readonly string[], tests: BenchTests): Timing {
  const settings = settingsOfFlags(words.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(' '));
  const named = isPath(model) ? {} : { quantization };
  return { place: words.join(' '), engine: runtime, ...settings, model, ...named, ...tests, decode: 1, prefill: 1 };
}

/** Setting in words, without speeds. */
export function settingText(timing: Timing): string {
  return timingText({ ...timing, decode: 1, prefill: 1 }).replace(/^(\w+) 1 tok\/s, (\w+) 1 tok\/s/, '$1 $2');
}

/** Stored outcomes of points, by index. */
export function keptEnds(timings: readonly Timing[], { failed = [] }: MachineFile, measured: readonly Timing[]) {
  const texts = timings.map(settingText);
  const ends = new Map<number, RunEnd>();
  for (const [at, text] of texts.entries()) {
    const why = failed.find((entry) => entry.startsWith(`${text}: `))?.slice(text.length + 2);
    if (why !== undefined) ends.set(at, { failed: why, lacksMemory: why.startsWith(NO_MEMORY) });
  }
  const others = measured.filter((timing) => {
    const { decode, prefill } = timing;
    const at = texts.indexOf(settingText(timing));
    if (at < 0 || decode === undefined || prefill === undefined) return true;
    ends.set(at, { decode, prefill });
    return false;
  });
  return { ends, others };
}

/** Adds a list entry, and keeps comments. A list keeps the latest 64, as in the schema. */
export function withEntry(text: string, list: 'timings' | 'failed', entry: string): string {
  const document = parseDocument(text);
  const { [list]: before = [] } = document.toJS() as MachineFile;
  document.setIn([list], document.createNode([...before.filter((other) => other !== entry), entry].slice(-64)));
  return document.toString({ lineWidth: 0 });
}

/** Prefix of a failure by lack of memory. */
const NO_MEMORY = 'out of memory';
/** Messages of memory failures: CUDA, ROCm, Vulkan, ggml's allocators, C++, the C library. */
const LACKS = /out of ?memory|outofdevicememory|failed to allocate|unable to allocate|cannot allocate|bad_alloc|insufficient memory/i;

/** Outcome of a run. @param limit of time, as given @param speedsOf reads what was printed; a sentence: why it cannot */
export function endOf(end: ProgramEnd, limit: string, speedsOf: (end: ProgramEnd) => Speeds | string): RunEnd {
  const text = `${end.stderr}\n${end.stdout}`;
  const message = text.split('\n').findLast((line) => /error|fail|abort|assert|terminat|memory|exception|invalid/i.test(line));
  const failed = (why: string, lacksMemory = false): RunEnd => ({
    failed: message === undefined ? why : `${why} (${visible(message.trim()).slice(0, 120)})`,
    lacksMemory,
  });
  if (end.late) return failed(`ended after ${limit}`);
  // The system kills a process that exhausts memory.
  if (end.code !== 0 && (end.signal === 'SIGKILL' || LACKS.test(text))) return failed(NO_MEMORY, true);
  if (end.code !== 0) return failed(`ended with ${end.signal ?? end.code}`);
  try {
    const speeds = speedsOf(end);
    return typeof speeds === 'string' ? failed(speeds) : speeds;
  } catch (error) {
    if (error instanceof UserError) return failed('printed no speed');
    throw error;
  }
}

/** Speeds of a benchmark: one test of each phase. @throws UserError without timings */
export function benchSpeeds({ stdout }: Pick<ProgramEnd, 'stdout'>): Speeds | string {
  const timings = timingsOf(stdout, 'the benchmark');
  const of = (phase: keyof Speeds) => timings.filter((timing) => timing[phase] !== undefined);
  const [decodes, prefills] = [of('decode'), of('prefill')];
  if (decodes.length !== 1 || prefills.length !== 1) return 'printed other tests than one of each phase';
  return { decode: decodes[0]!.decode!, prefill: prefills[0]!.prefill! };
}

/** Speeds of the last request that a server or a conversation printed: the cache is warm by then. @throws UserError without timings */
export function lastSpeeds({ stderr, stdout }: Pick<ProgramEnd, 'stderr' | 'stdout'>): Speeds | string {
  const timings = timingsOf(`${stdout}\n${stderr}`, 'the run');
  const last = timings.findLast(({ decode, prefill }) => decode !== undefined && prefill !== undefined);
  return last === undefined ? 'printed no request with a prompt and an answer' : { decode: last.decode!, prefill: last.prefill! };
}

/** Predicted speeds of points, and what other timings teach of the machine. */
export async function pointFigures(
  points: readonly TunePoint[],
  timings: readonly Timing[],
  others: readonly Timing[],
  file: MachineFile,
  threads: number,
  watch: WorkWatch,
): Promise<{ readonly figures: readonly TunedFigures[]; readonly others: readonly TaughtFigure[] }> {
  const machine = machineOfFile(file, 'this machine');
  const rowsOf = (timings: readonly Timing[]): Measurement[] => measurementsOf(timings, machine, { model: null, quantization: null });
  const rows = rowsOf(timings);
  const otherRows = spreadRows(joinedPhases(rowsOf(others)));
  const runtimes = runtimesFor([...rows, ...otherRows]);
  // Threads hardly change shares of time: points of one placement have the same.
  const firsts = points.map(({ setting }) => points.findIndex((other) => other.setting === setting));
  const of = async (phase: keyof Speeds): Promise<PredictedFigure[]> => {
    const phaseRows = rows.map((row) => phaseRow(row, phase));
    const keys = phaseRows.map(({ id: _, flags: __, ...row }) => JSON.stringify(row));
    const rowsOf = (indices: readonly number[]) => new Map(indices.map((i) => [keys[i]!, phaseRows[i]!]));
    const [based, all] = [rowsOf(firsts), rowsOf([...keys.keys()])];
    const taught = (await taughtFigures([...based.values()], runtimes, threads, watch)).flat();
    const predictions = await predictRowVariants([...all.values()], [runtimes], threads, watch);
    if (taught.length < based.size) throw new UserError(`--tune: the speeds of ${rows[0]!.model.name} cannot be predicted here`);
    const [at, speedAt] = [[...based.keys()], [...all.keys()]];
    return keys.map((key, i) => {
      const { residual: _, setting: __, ...figure } = taught[at.indexOf(keys[firsts[i]!]!)]!;
      return { ...figure, speed: predictions[speedAt.indexOf(key)]![0]!.figures[phase]!, along: points[i]!.along[phase] };
    });
  };
  const [decode, prefill] = [await of('decode'), await of('prefill')];
  const figures = points.map((_, i) => ({ decode: decode[i]!, prefill: prefill[i]! }));
  return { figures, others: (await taughtFigures(otherRows, runtimes, threads, watch)).flat() };
}

/** Row of one phase at 1 token/s, without settings irrelevant to the phase. */
function phaseRow(row: Measurement, phase: keyof Speeds): Measurement {
  const { mmap, pp_tokens, tg_tokens, ubatch, ...run } = row.run;
  if (phase === 'decode') return { ...row, run: { ...run, ...definedFields({ tg_tokens }) }, measured: { tg_tps: 1 } };
  return { ...row, run: { ...run, ...definedFields({ mmap, pp_tokens, ubatch }) }, measured: { pp_tps: 1 } };
}
