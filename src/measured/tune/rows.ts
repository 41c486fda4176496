// Points as timings, which are what a machine's file keeps and what knobs are learned from; and what is known of their speeds before.

import { parseDocument } from 'yaml';
import type { TuneBasis, TunePoint } from '../../advise/door.js';
import { UserError } from '../../base/errors.js';
import type { ProgramEnd } from '../../base/host/processes.js';
import { isPath } from '../../base/profiles.js';
import { visible } from '../../base/text.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { KNOBS, loadRuntime, type MachineFile, machineOfFile, runtimeBefore } from '../../hardware/door.js';
import { definedFields } from '../../runtime/logs/lines.js';
import type { Timing } from '../../runtime/logs/timing.js';
import type { Speeds } from '../../runtime/setting/goal.js';
import { settingsOfFlags, timingsOf, toldTiming } from '../../runtime/timings.js';
import { joinedPhases, sensitivities } from '../machine/calibration.js';
import { spreadRows } from '../machine/learn.js';
import { measurementOf } from '../machine/timing-row.js';
import type { Sensitivity } from '../validate/fit.js';
import { predictRowVariants } from '../validate/predict-all.js';
import type { Measurement } from '../validate/rows/measurement.js';
import { runtimeOf } from '../validate/rows/specify.js';
import { ofElsewhere, type PointPrior, pointPrior } from './belief.js';
import type { RunEnd } from './tune.js';

/** The tests of a benchmark: tokens of the prompt, tokens generated, and those in the context before. */
export interface BenchTests {
  readonly prompt: number;
  readonly generated: number;
  readonly depth: number;
}

/** The timing of a point at 1 token a second: what is predicted and kept of it. @param words of the whole command line */
export function pointTiming(basis: TuneBasis, words: readonly string[], { depth, generated, prompt }: BenchTests): Timing {
  const { model: _, ...settings } = settingsOfFlags(words.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(' '));
  const named = isPath(basis.model) ? {} : { quantization: basis.quantization };
  const tests = { promptTokens: prompt, generatedTokens: generated, depth };
  return { place: words.join(' '), engine: basis.runtime, ...settings, model: basis.model, ...named, ...tests, decode: 1, prefill: 1 };
}

/** The setting of a timing in words, whatever its speeds. */
export function settingText(timing: Timing): string {
  return toldTiming({ ...timing, decode: 1, prefill: 1 }).replace(/^(\w+) 1 tok\/s, (\w+) 1 tok\/s/, '$1 $2');
}

/** Ends of points that the file of a machine keeps, by index; timings of others are left. */
export function keptEnds(timings: readonly Timing[], { failed = [] }: MachineFile, measured: readonly Timing[]) {
  const texts = timings.map(settingText);
  const ends = new Map<number, RunEnd>();
  for (const entry of failed) {
    const at = texts.findIndex((text) => entry.startsWith(`${text}: `));
    const why = entry.slice(`${texts[at] ?? ''}: `.length);
    if (at >= 0) ends.set(at, { failed: why, lacksMemory: why.startsWith(NO_MEMORY) });
  }
  const others = measured.filter((timing) => {
    const { decode, prefill } = timing;
    const at = decode === undefined || prefill === undefined ? -1 : texts.indexOf(settingText(timing));
    if (at >= 0) ends.set(at, { decode: decode!, prefill: prefill!, spread: 0 });
    return at < 0;
  });
  return { ends, others };
}

/** The text of a machine's file with more entries of a list, comments and all. A list keeps the latest. */
export function withEntry(text: string, list: 'timings' | 'failed', entry: string): string {
  const document = parseDocument(text);
  const { [list]: before = [] } = document.toJS() as MachineFile;
  document.setIn([list], document.createNode([...before.filter((one) => one !== entry), entry].slice(-MOST_KEPT)));
  return document.toString({ lineWidth: 0 });
}

/** Entries of a list, as the schema of the file has it. */
const MOST_KEPT = 64;

/** The beginning of why a point failed that lacked memory. */
const NO_MEMORY = 'out of memory';
/** What engines and systems print where memory is short: CUDA, ROCm, Vulkan, ggml's allocators, C++, the C library. */
const LACKS = /out of ?memory|outofdevicememory|failed to allocate|unable to allocate|cannot allocate|bad_alloc|insufficient memory/i;
/** Characters of an engine's own line. */
const SHOWN = 120;

/** The end of a run of a benchmark. @param repeats of each test */
export function endOf(end: ProgramEnd, repeats: number, limit: string): RunEnd {
  const text = `${end.stderr}\n${end.stdout}`;
  const lines = text.split('\n').filter((line) => /error|fail|abort|assert|terminat|memory|exception|invalid/i.test(line));
  const said = lines.length === 0 ? '' : ` (${visible(lines.at(-1)!.trim()).slice(0, SHOWN)})`;
  const failed = (why: string, lacksMemory = false): RunEnd => ({ failed: `${why}${said}`, lacksMemory });
  if (end.late) return failed(`ended after ${limit}`);
  // Where nobody else does, the system kills what takes too much memory.
  if (end.code !== 0 && (end.signal === 'SIGKILL' || LACKS.test(text))) return failed(NO_MEMORY, true);
  if (end.code !== 0) return failed(`ended with ${end.signal ?? end.code}`);
  try {
    const timings = timingsOf(end.stdout, 'the benchmark');
    const [decode, ...decodes] = timings.filter((one) => one.decode !== undefined);
    const [prefill, ...prefills] = timings.filter((one) => one.prefill !== undefined);
    if (decode === undefined || prefill === undefined) return failed('printed the speed of one phase alone');
    if (decodes.length + prefills.length > 0) return failed('printed several tests; give one value of each flag');
    const spread = Math.max(decode.spread ?? 0, prefill.spread ?? 0) / Math.sqrt(repeats);
    return { decode: decode.decode!, prefill: prefill.prefill!, spread };
  } catch (error) {
    if (error instanceof UserError) return failed('printed no speed');
    throw error;
  }
}

/** What is known before: of points by their timings, and of the knobs by other timings of the machine. @param threads predictions at a time */
export async function priorsOf(
  points: readonly TunePoint[],
  timings: readonly Timing[],
  others: readonly Timing[],
  file: MachineFile,
  threads: number,
  watch: WorkWatch,
): Promise<{ readonly priors: readonly PointPrior[]; readonly elsewhere: readonly Sensitivity[] }> {
  const machine = machineOfFile(file, 'this machine');
  const rowOf = (timing: Timing): Measurement => measurementOf(timing, machine, { model: null, quantization: null });
  const rows = timings.map(rowOf);
  const elsewhere = spreadRows(joinedPhases(others.map(rowOf)));
  const names = new Set([...rows, ...elsewhere].map(runtimeOf));
  const runtimes = new Map([...names].map((name) => [name, runtimeBefore(file, loadRuntime(name))]));
  const none = KNOBS.map(() => 0);
  // Threads and the like hardly change how a speed goes with the knobs: a placement has the slopes of its first point.
  const firsts = points.map(({ setting }) => points.findIndex((other) => other.setting === setting));
  const of = async (phase: keyof Speeds): Promise<Sensitivity[]> => {
    const own = rows.map((row) => phaseRow(row, phase));
    const keys = own.map(({ id: _, flags: __, ...row }) => JSON.stringify(row));
    const once = (indices: readonly number[]): number[] => [...new Map(indices.map((i) => [keys[i]!, i])).values()];
    const [based, all] = [once(firsts), once(keys.map((_, i) => i))];
    const slopes = await sensitivities(
      based.map((i) => own[i]!),
      runtimes,
      none,
      threads,
      watch,
    );
    const predictions = await predictRowVariants(
      all.map((i) => own[i]!),
      [runtimes],
      threads,
      watch,
    );
    const speeds = new Map(all.map((i, n) => [keys[i]!, predictions[n]![0]!.figures[phase]!]));
    if (slopes.length < based.length) throw new UserError(`--tune: the speeds of ${rows[0]!.model.name} cannot be predicted here`);
    const slopesOf = new Map(based.map((i, n) => [keys[i]!, slopes[n]!.slopes]));
    return keys.map((key, i) => ({ residual: Math.log(speeds.get(key)!), slopes: slopesOf.get(keys[firsts[i]!]!)! }));
  };
  const [decode, prefill] = [await of('decode'), await of('prefill')];
  const priors = points.map(({ along }, i) => pointPrior(decode[i]!, prefill[i]!, along));
  return { priors, elsewhere: (await sensitivities(elsewhere, runtimes, none, threads, watch)).map(ofElsewhere) };
}

/** One phase of a row at 1 token a second, without what that does not depend on. */
function phaseRow(row: Measurement, phase: keyof Speeds): Measurement {
  const { mmap, pp_tokens, tg_tokens, ubatch, ...run } = row.run;
  if (phase === 'decode') return { ...row, run: { ...run, ...definedFields({ tg_tokens }) }, measured: { tg_tps: 1 } };
  return { ...row, run: { ...run, ...definedFields({ mmap, pp_tokens, ubatch }) }, measured: { pp_tps: 1 } };
}
