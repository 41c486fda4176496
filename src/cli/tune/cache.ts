// `moeprof advise --tune "llama-server ..."`: a run without the expert cache, one with its record; the rest by replay.
import { type AdviceWishes, type CacheBasis, LEAST_RECORDED, withCacheBasis } from '../../advise/door.js';
import { EXIT, messageOf, UserError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { resolve } from '../../base/host/paths.js';
import { loadRuntime, turnedBy } from '../../hardware/door.js';
import { MOST_CACHE_RUNS, tuneCache } from '../../measured/tune/cached.js';
import { bothSpeeds, endText, sureText, type TunedAdvice } from '../../measured/tune/report.js';
import { keptEnds, pointTiming } from '../../measured/tune/rows.js';
import type { RunEnd } from '../../measured/tune/tune.js';
import { hardwareOfFile, type Speeds } from '../../runtime/door.js';
import { openTrace } from '../../trace/open/open.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { CliContext } from '../kit/context.js';
import { finderOf, keptMachine, keptText, predictedPoints, type TuneFlags, taughtBy, withEnd } from './kept.js';
import { type Talk, talkOf } from './talk.js';

/** @throws UserError for a wrong flag, if nothing fits, or the file is another machine's */
export async function cacheTunedAdvice(context: CliContext, model: string, flags: TuneFlags, wishes: AdviceWishes): Promise<TunedAdvice> {
  const kept = await keptMachine(flags);
  const { file, path } = kept;
  const turned = (profile: string, steps: readonly number[]) => hardwareOfFile(file, path, [], turnedBy(loadRuntime(profile), steps));
  return withCacheBasis(model, { found: finderOf(kept), turned, command: flags.tune! }, wishes, async (basis) => {
    const talk = talkOf(basis, flags);
    const timings = basis.points.slice(0, 2).map(({ flags }) => pointTiming(basis, withoutCacheFlags(flags), talk.tests));
    const taught = taughtBy(kept, flags);
    const { ends, others } = talk.keeps ? keptEnds(timings.slice(0, 1), file, taught) : { ends: new Map<number, RunEnd>(), others: taught };
    const known = await predictedPoints(context, kept, basis.points.slice(0, 2), timings, others);
    const runs = new Runs(context, basis, talk, ends);
    if (ends.has(0)) context.note(`${path}: holds the run without a cache already; it is not run again`);
    else {
      const end = runs.ended(0, await runs.run(0, basis.predicted[0]));
      if (talk.keeps) writeFileAtomic(path, withEnd(keptText(path, file), timings[0]!, end));
    }
    const recordPath = `${path.replace(/\.ya?ml$/i, '')}.mct1`;
    const record = await runs.recorded(recordPath);
    const stored = talk.keeps ? path : null;
    if (record === null) return withoutCache(context, basis, ends, stored);
    try {
      const { replayed, tuned } = await tuneCache({
        ...{ basis, record, others: known.others, before: ends },
        prefills: [known.figures[0]!.prefill, known.figures[1]!.prefill],
        run: (at, predicted) => runs.run(at, predicted),
        tell: ({ end }, chance) => context.note(`   ${endText(end)}; ${sureText(chance)}`),
      });
      if (tuned.best === null) context.setExitCode(EXIT.gateFailed);
      const notes = [...basis.notes, `${recordPath} holds the routing of a run with the cache: use it with -t.`];
      return { basis: { ...basis, notes }, tuned, kept: stored, replayed };
    } finally {
      record.close();
    }
  });
}

/** Runs of settings, counted. */
class Runs {
  readonly #context: CliContext;
  readonly #basis: CacheBasis;
  readonly #talk: Talk;
  readonly #ends: Map<number, RunEnd>;
  #count: number;

  constructor(context: CliContext, basis: CacheBasis, talk: Talk, ends: Map<number, RunEnd>) {
    this.#context = context;
    this.#basis = basis;
    this.#talk = talk;
    this.#ends = ends;
    this.#count = ends.size;
  }

  run(at: number, predicted: Speeds, env: Readonly<Record<string, string>> = {}): Promise<RunEnd> {
    const { flags } = this.#basis.points[at]!;
    this.#context.note(`${++this.#count} of at most ${MOST_CACHE_RUNS}: ${flags.join(' ')}: predicted ${bothSpeeds(predicted)}`);
    return this.#talk.run(at, env);
  }

  /** Keeps an outcome. */
  ended(at: number, end: RunEnd): RunEnd {
    this.#ends.set(at, end);
    this.#context.note(`   ${endText(end)}`);
    return end;
  }

  /** Routing of the largest cache that runs; null: none. */
  async recorded(path: string): Promise<RoutingTrace | null> {
    const { points, predicted, variable } = this.#basis;
    for (const [at, { cpuShare, mebibytes }] of points.entries()) {
      if (mebibytes === 0 || cpuShare > 0) continue;
      // An earlier record must not count for this run.
      writeFileAtomic(path, '');
      const ran = await this.run(at, predicted[1], { [variable]: resolve(path) });
      const record = 'failed' in ran ? null : await recordAt(path);
      const end = this.ended(at, typeof record === 'string' ? { failed: record, lacksMemory: false } : ran);
      if (record !== null && typeof record !== 'string') return record;
      if (!('failed' in end && end.lacksMemory) || this.#count === MOST_CACHE_RUNS) return null;
    }
    return null;
  }
}

/** Advice if no cache ran. */
function withoutCache(context: CliContext, basis: CacheBasis, ends: ReadonlyMap<number, RunEnd>, kept: string | null): TunedAdvice {
  const runs = [...ends].map(([at, end]) => ({ at, predicted: basis.predicted[at === 0 ? 0 : 1], end }));
  const best = runs.find(({ end }) => !('failed' in end))?.at ?? null;
  if (best === null) context.setExitCode(EXIT.gateFailed);
  return { basis, tuned: { runs, best, chance: null, expected: [] }, kept };
}

/** A record, or the reason why it cannot be replayed. */
async function recordAt(path: string): Promise<RoutingTrace | string> {
  try {
    const trace = await openTrace(path);
    if (trace.tokens >= LEAST_RECORDED) return trace;
    trace.close();
    return `recorded the routing of ${trace.tokens} tokens, fewer than ${LEAST_RECORDED}`;
  } catch (error) {
    if (error instanceof UserError) return `left no record of its routing (${messageOf(error).slice(0, 120)})`;
    throw error;
  }
}

const withoutCacheFlags = (flags: readonly string[]): string[] =>
  flags.filter((_, i) => ![flags[i], flags[i - 1]].some((word) => word?.startsWith('--moe-cache') === true));
