// The figures of the runs that a reproduction compares: simulated as they are described, or predicted from a row of measurements.

import { UserError } from '../../base/errors.js';
import { ownValue } from '../../base/objects.js';
import { findProfile, listProfiles } from '../../base/profiles.js';
import type { Override } from '../../base/yaml.js';
import { simulateRun } from '../../engine/simulate.js';
import { loadRuntime, type RuntimeSpec } from '../../hardware/door.js';
import { checkRun } from '../../system/door.js';
import { predictRow } from '../validate/predict.js';
import { type Measurement, readMeasurements } from '../validate/rows/measurement.js';
import { RowTraces } from '../validate/rows/row-traces.js';
import type { Reproduction } from './reproduction.js';

/** A metric of a run and its measured value, if a row of measurements has it. */
export interface Figures {
  of(metric: string): number | null;
  measured(metric: string): number | null;
}

/** Fields of the figures in a row of measurements. */
const OF_ROWS = {
  'speed.decode': ['decode', 'tg_tps'],
  'speed.prefill': ['prefill', 'pp_tps'],
  'cache.hit_rate': ['hit_rate', 'hit_rate'],
} as const;

/** The source of figures of runs; bundled measurements are read once. */
export class FigureSource {
  #rows: ReadonlyMap<string, Measurement> | null = null;
  #traces: RowTraces | null = null;
  #runtimes: ReadonlyMap<string, RuntimeSpec> | null = null;

  /**
   * The figures of a run.
   * @param place names it in messages
   * @throws UserError where the run cannot be done
   */
  async figures({ base, runs }: Pick<Reproduction, 'base' | 'runs'>, name: string, place: string): Promise<Figures> {
    const run = ownValue(runs, name)!;
    if (typeof run !== 'string' && run.row !== undefined) return await this.#ofRow(run.row, place);
    const { set = {}, ...given } = { ...base, ...(typeof run === 'string' ? { system: run } : run) };
    const overrides = Object.entries(set).map(([path, value]): Override => ({ path: path.split('.'), value, label: `${place}: set` }));
    const result = await simulateRun(checkRun({ bounds: false, audit: 'off', ...given, ...mergedParts(base, run) }, place, overrides));
    return { of: (metric) => result.metrics[metric]?.value ?? null, measured: () => null };
  }

  async #ofRow(id: string, place: string): Promise<Figures> {
    this.#rows ??= new Map(
      listProfiles('measurements')
        .flatMap((file) => readMeasurements(findProfile('measurements', file)))
        .map((row) => [row.id, row]),
    );
    this.#traces ??= new RowTraces([...this.#rows.values()]);
    this.#runtimes ??= new Map(listProfiles('runtimes').map((runtime) => [runtime, loadRuntime(runtime)]));
    const row = this.#rows.get(id);
    if (row === undefined) throw new UserError(`${place}: no bundled measurement is "${id}"`);
    const { figures, lacks } = await predictRow(row, this.#traces, this.#runtimes);
    if (lacks !== null) throw new UserError(`${place}: measurement ${id} cannot be predicted: ${lacks}`);
    const at = (metric: string) => ownValue<(typeof OF_ROWS)[keyof typeof OF_ROWS]>(OF_ROWS, metric) ?? ([null, null] as const);
    const figureOf = (name: ReturnType<typeof at>[0]): number | null => (name === null ? null : (figures[name] ?? null));
    const measuredOf = (name: ReturnType<typeof at>[1]): number | null => (name === null ? null : (row.measured[name] ?? null));
    return {
      of: (metric) => figureOf(at(metric)[0]),
      measured: (metric) => measuredOf(at(metric)[1]),
    };
  }
}

/** Memory and workload of a run, merged over the shared ones field by field. */
function mergedParts(base: Readonly<Record<string, unknown>>, run: unknown): object {
  const own = typeof run === 'string' ? {} : (run as Readonly<Record<string, unknown>>);
  const both = (field: 'memory' | 'workload'): object => ({ ...(base[field] as object), ...(own[field] as object) });
  return { memory: both('memory'), workload: both('workload') };
}
