import { formatNs, formatRatio } from '../../base/units.js';
import { metricValue } from '../../result/catalogue.js';
import type { Result } from '../../result/result.js';
import { type PhasePart, timeParts } from '../phase-time.js';
import { deviceWords } from '../words.js';

/** A part of the time. */
export interface TimePart {
  readonly label: PhasePart['label'] | 'idle';
  readonly ns: number;
  /** 0..1 of the whole. */
  readonly share: number;
}

/** Time of a run: computing, waiting for CPU or experts, and idle. */
export interface RunTime {
  readonly processor: string;
  readonly totalNs: number;
  readonly parts: readonly TimePart[];
  /** Concurrent CPU work in a sentence; null: no CPU work. */
  readonly cpu: string | null;
  /** Source of stall: `the link`; in results of earlier versions also `SSD and link` or `the SSD`. */
  readonly source: string;
}

/** Time of a run by part; null if no time passed. */
export function runTime(result: Result): RunTime | null {
  const total = metricValue(result, 'time.total');
  if (total === null || total <= 0) return null;
  const named = timeParts((name) => metricValue(result, name));
  const busy = named.reduce((sum, { ns }) => sum + ns, 0);
  const whole = Math.max(total, busy);
  const parts: TimePart[] = named.map(({ label, ns }) => ({ label, ns, share: ns / whole }));
  // The rest is waiting for requests; below a thousandth, rounding.
  if (whole - busy > whole / 1000) parts.push({ label: 'idle', ns: whole - busy, share: (whole - busy) / whole });
  const cpuNs = metricValue(result, 'time.cpu') ?? 0;
  const denseNs = metricValue(result, 'time.dense_cpu') ?? 0;
  const experts = `computes experts for ${formatNs(cpuNs)} (${formatRatio(cpuNs / total)} of the run)`;
  const held = `The CPU runs dense layers and attention for ${formatNs(denseNs)}, and ${experts}.`;
  const cpu = denseNs > 0 ? held : cpuNs > 0 ? `The CPU ${experts} beside the GPU.` : null;
  const { processor } = deviceWords(result);
  return { processor: denseNs > 0 ? 'GPU and the CPU' : processor, totalNs: total, parts, cpu, source: sourceOf(result) };
}

/** A part of the time in words. @param source of a stall */
export function partWords(label: TimePart['label'], source: string): string {
  if (label === 'CPU') return 'CPU computes';
  if (label === 'SSD') return 'waits for the SSD';
  return label === 'stall' ? `waits for ${source}` : label;
}

/** Source of stall. */
export function sourceOf(result: Result): string {
  // SSD waits are counted separately.
  if (metricValue(result, 'time.stall_ssd') !== null) return 'the link';
  if ((metricValue(result, 'transfer.ssd.bytes') ?? 0) === 0) return 'the link';
  return metricValue(result, 'transfer.h2d.bytes') === null ? 'the SSD' : 'SSD and link';
}
