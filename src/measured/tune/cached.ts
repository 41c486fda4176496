// Replays an expert cache's settings on the machine of one or two runs.
import type { CacheBasis, CachePoint, ReplayedPoint } from '../../advise/door.js';
import { sum } from '../../base/statistics.js';
import { expectedSteps, KNOBS, type PredictedFigure, type TaughtFigure } from '../../hardware/door.js';
import { ALONE, costOf } from '../../runtime/door.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { ReplayedSetting } from './report.js';
import { type RunEnd, type Tuned, type Tuning, tune } from './tune.js';

/** Most runs, failures included; ours: two settle most choices. */
export const MOST_CACHE_RUNS = 4;
/** Rounds of the posterior; ours: the third moves speeds by less than 1 %. */
const ROUNDS = 3;

/** Decode speeds of an expert cache's settings, on a measured machine. */
interface CacheFigures {
  /** On the tangent at that machine, for no knob moved: the posterior leads back to it. */
  readonly figures: readonly PredictedFigure[];
  readonly hitRates: readonly number[];
}

/** @param measured tokens/s by point @param others further timings */
export async function cacheFigures(
  { driven, model, points, replayed }: Pick<CacheBasis, 'driven' | 'model' | 'points' | 'replayed'>,
  record: RoutingTrace,
  measured: ReadonlyMap<number, number>,
  others: readonly TaughtFigure[],
): Promise<CacheFigures> {
  const named = { runtime: driven, model };
  const ran = [...measured.keys()];
  let steps: readonly number[] = KNOBS.map(() => 0);
  for (let round = 0; round < ROUNDS; round++) {
    const replays = await replayed(
      record,
      ran.map((at) => points[at]!),
      steps,
    );
    const taught = replays.map((replay, i): TaughtFigure => {
      const { speed, ...figure } = figureOf(points[ran[i]!]!, replay, named, steps);
      return { ...figure, residual: Math.log(speed / measured.get(ran[i]!)!) };
    });
    steps = expectedSteps([...others, ...taught], named);
  }
  const replays = await replayed(record, points, steps);
  return {
    figures: replays.map((replay, i) => figureOf(points[i]!, replay, named, steps)),
    hitRates: replays.map(({ hitRate }) => hitRate),
  };
}

function figureOf(
  { along, setting }: CachePoint,
  { decode, shares }: ReplayedPoint,
  named: Pick<PredictedFigure, 'model' | 'runtime'>,
  steps: readonly number[],
): PredictedFigure {
  const speed = decode * Math.exp(sum(shares.map((share, k) => share * steps[k]!)));
  const place = setting.cache === null ? {} : { along: along.decode };
  return { ...named, kind: 'decode', strategy: setting.cache, shares, speed, ...place };
}

/** Runs so far, and how to go on. */
interface CacheTuning extends Pick<Tuning, 'before' | 'run' | 'tell' | 'others'> {
  readonly basis: CacheBasis;
  readonly record: RoutingTrace;
  /** Prompts without the cache, and with it. */
  readonly prefills: readonly [fixed: PredictedFigure, cached: PredictedFigure];
}

/** Chooses among a cache's settings, with at most {@link MOST_CACHE_RUNS} runs. */
export async function tuneCache({
  basis,
  prefills: [fixed, cached],
  record,
  ...tuning
}: CacheTuning): Promise<{ readonly tuned: Tuned; readonly replayed: readonly ReplayedSetting[] }> {
  const { goal, points, request } = basis;
  const { figures: decodes, hitRates } = await cacheFigures(basis, record, decodesOf(tuning.before), tuning.others);
  const figures = decodes.map((decode, at) => ({
    decode,
    prefill: { ...(at === 0 ? fixed : cached), along: points[at]!.along.prefill },
  }));
  const tuned = await tune({
    ...{ ...tuning, points, figures, most: MOST_CACHE_RUNS },
    cost: (speeds) => costOf(goal, speeds, ALONE, request),
  });
  const replayed = points.flatMap(({ cpuShare, mebibytes }, at): ReplayedSetting[] =>
    mebibytes === 0 ? [] : [{ mebibytes, cpuShare, hitRate: hitRates[at]!, decode: tuned.expected[at]!.decode }],
  );
  return { tuned, replayed };
}

const decodesOf = (ends: ReadonlyMap<number, RunEnd>): Map<number, number> =>
  new Map([...ends].flatMap(([at, end]) => ('failed' in end ? [] : [[at, end.decode] as const])));
