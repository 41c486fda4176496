import { sum } from '../base/statistics.js';
import { changeOf } from '../result/amount.js';
import { metricValue } from '../result/catalogue.js';
import type { MetricName } from '../result/metrics.js';
import type { PerLayer, Result } from '../result/result.js';

/** Counter that changed. */
export interface CounterChange {
  readonly name: string;
  readonly base: number;
  readonly candidate: number;
  /** Candidate minus base, beyond rounding. */
  readonly change: number;
}

/** Layer with changed GPU time or misses. */
export interface LayerChange {
  readonly layer: number;
  /** Change of the layer's GPU time, ns. */
  readonly timeNs: number;
  /** Share of the whole change of GPU time; null if zero. Below 0: opposite direction. */
  readonly share: number | null;
  readonly misses: number;
  readonly late: number;
  readonly onDemandBytes: number;
}

/** Causes of a change, by kind. */
export interface Explanation {
  /** GPU time of all MoE layers, ns: stall, experts and dense parts. */
  readonly base: number;
  readonly candidate: number;
  /** `stall`, `experts`, `dense` and (with a GPU) `CPU`, ns. */
  readonly parts: readonly CounterChange[];
  readonly layers: readonly LayerChange[];
  /** Then layers are not compared. */
  readonly layersDiffer: boolean;
  /** `misses`, `late`, `streamed`, `evictions`, `wasted prefetches`. */
  readonly kinds: readonly CounterChange[];
  /** Misses and late arrivals in `prefill` and in `decode`, if a run has both. */
  readonly phases: readonly CounterChange[];
}

const GPU_TIME = ['stallNs', 'computeNs', 'denseNs'] as const satisfies readonly (keyof PerLayer)[];

/** Counter differences by layer, phase and kind of miss, largest first. */
export function explain(base: Result, candidate: Result): Explanation {
  const [before, after] = [base.perLayer, candidate.perLayer];
  const layersDiffer = before.demanded.length !== after.demanded.length;
  const gpuTime = (columns: PerLayer): number => GPU_TIME.reduce((total, name) => total + sum(columns[name]), 0);
  const [timeBefore, timeAfter] = [gpuTime(before), gpuTime(after)];
  const column = (name: string, key: keyof PerLayer): [string, number, number] => [name, sum(before[key]), sum(after[key])];
  const metric = (name: string, key: MetricName): [string, number, number] => [
    name,
    metricValue(base, key) ?? 0,
    metricValue(candidate, key) ?? 0,
  ];
  const phase = (name: 'prefill' | 'decode'): [string, number, number] => {
    const waits = (result: Result): number =>
      (metricValue(result, `cache.misses.${name}`) ?? 0) + (metricValue(result, `cache.late.${name}`) ?? 0);
    return [name, waits(base), waits(candidate)];
  };
  return {
    base: timeBefore,
    candidate: timeAfter,
    parts: changes([column('stall', 'stallNs'), column('experts', 'computeNs'), column('dense', 'denseNs'), column('CPU', 'cpuNs')]),
    layers: layersDiffer ? [] : layerChanges(before, after, timeAfter - timeBefore),
    layersDiffer,
    kinds: changes([
      column('misses', 'misses'),
      column('late', 'late'),
      column('streamed', 'streamed'),
      column('evictions', 'evictions'),
      metric('wasted prefetches', 'prefetch.wasted'),
    ]),
    phases: changes([phase('prefill'), phase('decode')]),
  };
}

const changes = (counters: readonly (readonly [name: string, base: number, candidate: number])[]): CounterChange[] =>
  counters
    .map(([name, base, candidate]) => ({ name, base, candidate, change: changeOf(base, candidate) }))
    .filter(({ change }) => change !== 0)
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change));

/** Changed layers: by time in the direction of the whole change, then against it; without time, by misses. */
function layerChanges(before: PerLayer, after: PerLayer, wholeNs: number): LayerChange[] {
  const direction = wholeNs < 0 ? -1 : 1;
  return before.demanded
    .map((_, layer) => {
      const change = (key: keyof PerLayer): number => changeOf(before[key][layer]!, after[key][layer]!);
      const timeNs = GPU_TIME.reduce((total, key) => total + change(key), 0);
      const share = wholeNs === 0 ? null : timeNs / wholeNs;
      return { layer, timeNs, share, misses: change('misses'), late: change('late'), onDemandBytes: change('onDemandBytes') };
    })
    .filter(({ timeNs, misses, late, onDemandBytes }) => timeNs !== 0 || misses !== 0 || late !== 0 || onDemandBytes !== 0)
    .sort((a, b) => direction * (b.timeNs - a.timeNs) || Math.abs(b.misses) - Math.abs(a.misses) || a.layer - b.layer);
}
