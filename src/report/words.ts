import { formatCount, formatCounted, formatRatio } from '../base/units.js';
import { metricValue } from '../result/catalogue.js';
import type { Accuracy, Result } from '../result/result.js';
import type { Phase } from './phase-time.js';

/** Runtime common to the compared systems (L26), in a sentence. */
export const underOne = (runtime: string): string => `all under ${runtime}; --runtime own gives each system its own`;

/** `14 to 29 tok/s`: a predicted speed within its band. @param speed tokens/s */
export const speedRange = (band: Accuracy, speed: number): string => `${bareRange(band, speed)} tok/s`;

/** `learned from 2 timings of this machine`. */
export const learnedFrom = ({ rows }: Accuracy): string => `learned from ${formatCounted(rows, 'timing')} of this machine`;

/** {@link speedRange} without the unit; null if band or speed is unknown. */
export function bareRange(band: Accuracy | null | undefined, speed: number | null | undefined): string | null {
  if (band == null || speed == null) return null;
  return between(band.low * speed, band.high * speed);
}

/** `0.7 to 1.2 times`: a band of any speed. */
export const timesText = ({ high, low }: Accuracy): string => `${between(low, high)} times`;

/** `80 % of 41 measurements of 12 machines`: basis of a band. */
export function countedText({ machines, rows }: Accuracy): string {
  return `80 % of ${formatCounted(rows, 'measurement')} of ${formatCounted(machines, 'machine')}`;
}

/** Predicted speed in two digits: `27`, `1,300`. */
export const aboutRate = (speed: number): string => twoDigits(speed, Math.round);

/** {@link aboutRate} for tables. */
export const rateDatum = (speed: number): { readonly value: number; readonly text: string } => ({ value: speed, text: aboutRate(speed) });

/** Two digits of each end, rounded outwards. */
const between = (low: number, high: number): string => [twoDigits(low, Math.floor), twoDigits(high, Math.ceil)].join(' to ');

function twoDigits(value: number, round: (value: number) => number): string {
  if (value === 0) return '0';
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  // Nine digits first: 1.9 / .1 is less than 19.
  const rounded = Number((round(Number((value / unit).toPrecision(9))) * unit).toPrecision(2));
  return rounded >= 1000 ? formatCount(rounded) : String(rounded);
}

/** `(14 to 29 tok/s for 80 % of 41 measurements of 12 machines)`. @returns null for a calibrated machine */
export function bandText({ accuracy, metrics }: Pick<Result, 'accuracy' | 'metrics'>, phase: Phase): string | null {
  if (accuracy === undefined) return null;
  const [band, speed] = [accuracy[phase], metricValue({ metrics }, `speed.${phase}`)];
  if (band === null || speed === null) return '(no comparable measurement)';
  if (band.learned === true) return `(${speedRange(band, speed)} for 80 % of runs, ${learnedFrom(band)})`;
  return `(${speedRange(band, speed)} for ${countedText(band)}${band.common === 'all' ? ', none comparable' : ''})`;
}

/** `48 to 75 % hits for 80 % of published figures (26 models); its profile has routing of its own`. Null: recorded */
export function hitRangeText({ hitRange }: Pick<Result, 'hitRange'>): string | null {
  if (hitRange === undefined) return null;
  return `${percentRange(hitRange)} hits for ${hitRangeSource(hitRange)}`;
}

/** `48 to 75 %`: two shares, 0 to 1. */
export const percentRange = ({ high, low }: { readonly low: number; readonly high: number }): string =>
  `${between(100 * low, 100 * high)} %`;

/** `80 % of published figures (26 models); its profile has routing of its own`: basis of a range. */
export function hitRangeSource({ models, routing }: NonNullable<Result['hitRange']>): string {
  const known = {
    profile: 'its profile has routing of its own',
    prior: 'its profile has no routing, a prior by its shape and training says it',
    shape: 'its profile has no routing, a prior by its shape says it',
    bias: 'its profile has no routing, and biases balance routers so differently',
  }[routing];
  return `80 % of published figures (${formatCounted(models, 'model')}); ${known}`;
}

/** Policy and predictor that replace the system's: `, with s3-fifo:small=0.2`; empty without replacement. */
export function changedParts({ config }: Pick<Result, 'config'>): string {
  const { overrides } = config as {
    readonly overrides?: { readonly system?: readonly { readonly path: string; readonly value: unknown }[] };
  };
  const parts = (overrides?.system ?? []).flatMap(({ path, value: to }) => {
    if (path === 'cache.policy') return [String(to)];
    return path === 'predictor.kind' || path === 'predictor' ? [to === 'none' ? 'no predictor' : `predictor ${String(to)}`] : [];
  });
  return parts.length === 0 ? '' : ` with ${parts.join(', ')}`;
}

/** Words for a run's machine. */
export interface DeviceWords {
  /** Device of dense layers and resident experts. */
  readonly processor: 'GPU' | 'CPU';
  /** Location of resident experts; `in memory` if CPU and GPU share memory. */
  readonly place: 'on the GPU' | 'on all GPUs' | 'in memory';
  readonly memory: 'GPU memory' | 'memory';
}

/** Device words of a result; GPU words if no device is named. */
export function deviceWords({ inputs }: Pick<Result, 'inputs'>): DeviceWords {
  if (inputs.device === undefined) {
    return { processor: 'GPU', place: inputs.joined === undefined ? 'on the GPU' : 'on all GPUs', memory: 'GPU memory' };
  }
  return { processor: inputs.device === 'cpu' ? 'CPU' : 'GPU', place: 'in memory', memory: 'memory' };
}

/** Smallest reported change. Ours: below the error of measurements. */
const FEW = 0.03;

/** Effect of a tenfold length on a run; null if small or unknown. */
export function tenfoldText({ tenfold }: Pick<Result, 'tenfold'>): string | null {
  if (tenfold === undefined) return null;
  const { requests, tpot } = tenfold;
  if (requests > 1)
    return tpot < FEW ? null : `${formatCount(requests)} requests: ten times as many would move TPOT by about ${formatRatio(tpot, 0)}`;
  const seen = tpot < FEW ? '' : `; the halves of this one differ, ten times as many would move TPOT by about ${formatRatio(tpot, 0)}`;
  return `1 request, and others may be unlike it: give more tokens (--tokens)${seen}`;
}

/** Largest effect of a tenfold length on ranked runs; null if small. */
export function tenfoldOfAll(runs: readonly { readonly name: string; readonly result: Pick<Result, 'tenfold'> }[]): string | null {
  const most = runs.reduce((most, run) => ((run.result.tenfold?.tpot ?? 0) > (most.result.tenfold?.tpot ?? 0) ? run : most), runs[0]!);
  const tenfold = most.result.tenfold;
  if (tenfold === undefined || tenfold.tpot < FEW) return null;
  const { requests, tpot } = tenfold;
  return `${formatCounted(requests, 'request')}: ten times as many would move ${most.name} by about ${formatRatio(tpot, 0)}, no other by more.`;
}
