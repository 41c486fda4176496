// Every bundled system with and without its predictor, on one machine with a quarter of the experts: what its prefetching is worth.
import { UserError } from '../../../src/base/errors.js';
import { listProfiles } from '../../../src/base/profiles.js';
import type { Override } from '../../../src/base/yaml.js';
import { simulateRun } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/load-run.js';
import { loadSystem, replacePredictor } from '../../../src/system/system.js';

/** A setting of the table. */
export interface Setting {
  readonly model: string;
  readonly trace: string;
  readonly hardware: string;
  readonly batch: number;
  readonly tokens: number;
  /** Absent: the system's own. */
  readonly runtime?: string;
  /** Absent: a quarter of the experts. */
  readonly cache?: string;
}

/** Bundled systems that predict. */
export const PREDICTING = listProfiles('systems').filter((name) => loadSystem(name).value.predictor.kind.name !== 'none');
/** Of these, those that stream whole layers, whoever is asked for: without that they would be another system. */
export const STREAMING = PREDICTING.filter((name) => !loadSystem(name).value.prefetch.cancel);

/** Time of a run, ns. */
export async function timeOf(setting: Setting, system: string, predictor?: string): Promise<number> {
  const { batch, cache = '25%', hardware, model, runtime, tokens, trace } = setting;
  const fixed = loadSystem(system).value.cache.capacity !== undefined;
  const overrides: Override[] =
    predictor === undefined
      ? []
      : [{ path: ['system', 'predictor'], value: predictor, amend: replacePredictor(predictor), label: '--predictor' }];
  const input = { model, trace, hardware, runtime, system, bounds: false, found: 'none', audit: 'off' as const };
  const run = checkRun(
    { ...input, memory: fixed ? {} : { expertCache: cache }, workload: { batch, tokens, holdOut: '20%' } },
    system,
    overrides,
  );
  return (await simulateRun(run)).metrics['time.total']!.value;
}

/** One row: times, ns; a text where one of them cannot be had. */
export interface Row {
  readonly system: string;
  readonly withNs: number;
  readonly withoutNs: number;
  /** Times as fast with prefetching as without; null: there is nothing to compare. */
  readonly ratio: number | null;
}

/** With and without its predictor; a system that cannot do without one, or not run on this trace, has nothing to compare. */
export async function rowOf(setting: Setting, system: string): Promise<Row> {
  try {
    const withNs = await timeOf(setting, system);
    const withoutNs = await timeOf(setting, system, 'none');
    return { system, withNs, withoutNs, ratio: withoutNs / withNs };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { system, withNs: Number.NaN, withoutNs: Number.NaN, ratio: null };
  }
}

/** The rows of a setting as they are printed. */
export function printed({ batch, trace }: Setting, rows: readonly Row[]): string {
  const ms = (ns: number): string => (Number.isNaN(ns) ? '–' : (ns / 1e6).toFixed(0)).padStart(10);
  const lines = rows.map(
    ({ ratio, system, withNs, withoutNs }) => `${system.padEnd(28)}${ms(withNs)}${ms(withoutNs)}${(ratio?.toFixed(3) ?? '–').padStart(9)}`,
  );
  return [`${trace.split('/').at(-1)}, batch ${batch}: ms with, ms without, times as fast`, ...lines].join('\n');
}
