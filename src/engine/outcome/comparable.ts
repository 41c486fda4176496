import { fileText } from '../../base/host/files.js';
import { bundledFile } from '../../base/profiles.js';
import { expertBytesTotal, kernelFormat, mainFormat } from '../../model/door.js';
import type { Accuracy, Result } from '../../result/result.js';
import { isWord } from '../../system/door.js';
import { bandOf, CIRCLES, type ComparedBy, type ScoredError } from './band.js';
import type { Finished } from './finished.js';

/**
 * profiles/accuracy.json (`moeprof validate`). Per line: metric, runtime, format, placement, predicted / measured - 1
 * by constants without the machine, machine, error by all constants.
 */
export type AccuracyFile = readonly (readonly [
  metric: string,
  runtime: string,
  format: string,
  placement: string,
  error: number,
  vote: string,
  fitted: number,
])[];

let known: readonly ScoredError[] | null = null;

function scoredErrors(): readonly ScoredError[] {
  if (known !== null) return known;
  const rows = JSON.parse(fileText(bundledFile('accuracy.json'))) as AccuracyFile;
  known = rows.map(([metric, runtime, format, placement, error, vote]) => ({
    metric,
    runtime,
    format,
    placement,
    error,
    vote,
  }));
  return known;
}

/** Band of a speed; null: no comparable measurement. */
export const bandFor = (kind: ComparedBy): Accuracy | null => bandOf(kind, scoredErrors());

/** Measured runs behind {@link bandFor}. */
export const rowsBehind = (metric: 'decode' | 'prefill', { common }: Accuracy): ScoredError[] =>
  scoredErrors().filter((row) => row.metric === metric && CIRCLES.some(({ named }) => named(row) === common));

/** Bands of a run's speeds. @returns null for a calibrated machine, unrelated to rows of different machines */
export function accuracyOf(finished: Finished): Result['accuracy'] | null {
  const { hardware } = finished.inputs;
  if (hardware.software === undefined || hardware.facts === undefined) return null;
  const kind = kindOf(finished, hardware.software.runtime);
  const of = (metric: string): Accuracy | null => bandFor({ ...kind, metric });
  return { decode: of('decode'), prefill: of('prefill') };
}

function kindOf(finished: Finished, runtime: string): Omit<ComparedBy, 'metric'> {
  const { layers } = finished.inputs.model;
  const format = mainFormat(layers[layers.length >> 1]!.formats);
  const family = (format === null ? undefined : kernelFormat(format)?.family) ?? 'unknown';
  return { runtime, format: family, placement: placementOf(finished) };
}

function placementOf({ inputs: { hardware, model, system }, layout: { dense, total } }: Finished): string {
  const { cpuOnly, tiers } = hardware;
  const { text: policy } = system.cache.policy;
  const resident = total.cacheBytes >= expertBytesTotal(model);
  if (dense?.layers.includes('cpu') && total.cacheBytes === 0) return 'all-cpu';
  // DRAM is a cache of the disk.
  if (total.dramBytes !== null) return 'ssd-stream';
  if (tiers[0]!.name === 'unified') return resident ? (cpuOnly ? 'all-cpu' : 'all-gpu') : 'ssd-stream';
  if (resident && !policy.includes('cpuLayers')) return 'all-gpu';
  if (!isWord(system.onMiss, 'cpu')) return 'expert-cache';
  return policy.includes('by=layer') ? 'cpu-layers' : 'cpu-share';
}
