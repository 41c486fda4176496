import { parseDocument } from 'yaml';
import type { TuneBasis, TunePoint } from '../../advise/door.js';
import { UserError } from '../../base/errors.js';
import type { ProgramEnd } from '../../base/host/processes.js';
import { definedFields } from '../../base/objects.js';
import { isPath } from '../../base/profiles.js';
import { visible } from '../../base/text.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { type MachineFile, machineOfFile } from '../../hardware/door.js';

import { type Speeds, settingsOfFlags, type Timing, timingsOf, timingText } from '../../runtime/door.js';
import { spreadRows } from '../machine/learn.js';
import { joinedPhases, measurementsOf } from '../machine/timing-row.js';
import { runtimesFor } from '../validate/constants.js';
import type { Sensitivity } from '../validate/fit.js';
import { predictRowVariants } from '../validate/predict-all.js';
import type { Measurement } from '../validate/rows/measurement.js';
import { taughtFigures } from '../validate/taught.js';
import { type PointPrior, pointPrior, slopesOf } from './belief.js';
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
    ends.set(at, { decode, prefill, spread: 0 });
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

/** Outcome of a benchmark. @param repeats of each test @param limit of time, as given */
export function endOf(end: ProgramEnd, repeats: number, limit: string): RunEnd {
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
    const timings = timingsOf(end.stdout, 'the benchmark');
    const of = (phase: keyof Speeds) => timings.filter((timing) => timing[phase] !== undefined);
    const [decodes, prefills] = [of('decode'), of('prefill')];
    if (decodes.length !== 1 || prefills.length !== 1) return failed('printed other tests than one of each phase');
    const [decode, prefill] = [decodes[0]!, prefills[0]!];
    const spread = Math.max(decode.spread ?? 0, prefill.spread ?? 0) / Math.sqrt(repeats);
    return { decode: decode.decode!, prefill: prefill.prefill!, spread };
  } catch (error) {
    if (error instanceof UserError) return failed('printed no speed');
    throw error;
  }
}

/** Priors of points and knobs from timings. */
export async function priorsOf(
  points: readonly TunePoint[],
  timings: readonly Timing[],
  others: readonly Timing[],
  file: MachineFile,
  threads: number,
  watch: WorkWatch,
): Promise<{ readonly priors: readonly PointPrior[]; readonly others: readonly Sensitivity[] }> {
  const machine = machineOfFile(file, 'this machine');
  const rowsOf = (timings: readonly Timing[]): Measurement[] => measurementsOf(timings, machine, { model: null, quantization: null });
  const rows = rowsOf(timings);
  const otherRows = spreadRows(joinedPhases(rowsOf(others)));
  const runtimes = runtimesFor([...rows, ...otherRows]);
  // Threads hardly change slopes: points of one placement share slopes.
  const firsts = points.map(({ setting }) => points.findIndex((other) => other.setting === setting));
  const of = async (phase: keyof Speeds): Promise<Sensitivity[]> => {
    const phaseRows = rows.map((row) => phaseRow(row, phase));
    const keys = phaseRows.map(({ id: _, flags: __, ...row }) => JSON.stringify(row));
    const rowsOf = (indices: readonly number[]) => new Map(indices.map((i) => [keys[i]!, phaseRows[i]!]));
    const [based, all] = [rowsOf(firsts), rowsOf([...keys.keys()])];
    const slopes = (await taughtFigures([...based.values()], runtimes, threads, watch)).flat().map(slopesOf);
    const predictions = await predictRowVariants([...all.values()], [runtimes], threads, watch);
    if (slopes.length < based.size) throw new UserError(`--tune: the speeds of ${rows[0]!.model.name} cannot be predicted here`);
    const [at, speedAt] = [[...based.keys()], [...all.keys()]];
    return keys.map((key, i) => ({
      residual: Math.log(predictions[speedAt.indexOf(key)]![0]!.figures[phase]!),
      slopes: slopes[at.indexOf(keys[firsts[i]!]!)]!.slopes,
    }));
  };
  const [decode, prefill] = [await of('decode'), await of('prefill')];
  const priors = points.map(({ along }, i) => pointPrior(decode[i]!, prefill[i]!, along));
  return { priors, others: (await taughtFigures(otherRows, runtimes, threads, watch)).flat().map(slopesOf) };
}

/** Row of one phase at 1 token/s, without settings irrelevant to the phase. */
function phaseRow(row: Measurement, phase: keyof Speeds): Measurement {
  const { mmap, pp_tokens, tg_tokens, ubatch, ...run } = row.run;
  if (phase === 'decode') return { ...row, run: { ...run, ...definedFields({ tg_tokens }) }, measured: { tg_tps: 1 } };
  return { ...row, run: { ...run, ...definedFields({ mmap, pp_tokens, ubatch }) }, measured: { pp_tps: 1 } };
}
