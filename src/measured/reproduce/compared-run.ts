import { UserError } from '../../base/errors.js';
import { ownValue } from '../../base/objects.js';
import { findProfile, listProfiles } from '../../base/profiles.js';
import type { Override } from '../../base/yaml.js';
import { hardwareOf } from '../../engine/inputs/inputs.js';
import { simulateRun } from '../../engine/simulate.js';
import { loadRuntime, type RuntimeSpec } from '../../hardware/door.js';
import type { MetricName } from '../../result/metrics.js';
import { checkRun, type RunSpec, type SystemSpec } from '../../system/door.js';
import { compositionOf, knowingOf, predictRow } from '../validate/predict.js';
import { type Measurement, readMeasurements } from '../validate/rows/measurement.js';
import { RowTraces } from '../validate/rows/row-traces.js';
import type { RowSystem } from '../validate/rows/specify.js';
import { figureAt, type Limit } from './best.js';
import type { Reproduction } from './reproduction.js';

/** Figures of a run by metric. Null: absent. */
export interface Figures {
  of(metric: string): number | null;
  measured(metric: string): number | null;
  /** Metric of the same passes, machine and runtime at the proven floor or the best schedule found. */
  at(limit: Limit, metric: string): number | null;
}

/** Exchangeable parts of a run. */
export interface Composition {
  readonly system: SystemSpec;
  readonly memory: unknown;
  readonly speculation?: unknown;
}

/** A compared run. Exchanged runtimes or parts decompose a gain. */
export interface ComparedRun {
  /** Model, machine and workload; runs of one world can exchange parts. */
  readonly world: string;
  readonly runtime: string;
  readonly composition: Composition;
  /** @param bounds adds {@link Figures.at} @throws UserError for an impossible run */
  figures(runtime: string, composition: Composition, bounds: boolean): Promise<Figures>;
}

/** Prediction and measured field, by metric. */
const OF_ROWS = {
  'speed.decode': ['decode', 'tg_tps'],
  'speed.prefill': ['prefill', 'pp_tps'],
  'cache.hit_rate': ['hit_rate', 'hit_rate'],
} as const satisfies Partial<Record<MetricName, readonly string[]>>;

function fieldsOf(metric: string): (typeof OF_ROWS)[keyof typeof OF_ROWS] | undefined {
  return ownValue<(typeof OF_ROWS)[keyof typeof OF_ROWS]>(OF_ROWS, metric);
}

/** Source of compared runs; bundled measurements are read once. */
export class ComparedRuns {
  #rows: ReadonlyMap<string, Measurement> | null = null;
  #traces: RowTraces | null = null;
  #runtimes: ReadonlyMap<string, RuntimeSpec> | null = null;

  /** @param place for messages @throws UserError if malformed */
  side({ base, runs }: Pick<Reproduction, 'base' | 'runs'>, name: string, place: string): ComparedRun {
    const run = ownValue(runs, name)!;
    if (typeof run !== 'string' && run.row !== undefined) return this.#ofRow(run.row, place);
    const { set = {}, ...given } = { ...base, ...(typeof run === 'string' ? { system: run } : run) };
    const overrides = Object.entries(set).map(([path, value]): Override => ({ path: path.split('.'), value, label: `${place}: set` }));
    return comparedRun(checkRun({ audit: 'off', ...given, ...mergedParts(base, run) }, place, overrides));
  }

  #ofRow(id: string, place: string): ComparedRun {
    this.#rows ??= new Map(
      listProfiles('measurements')
        .flatMap((file) => readMeasurements(findProfile('measurements', file)))
        .map((row) => [row.id, row]),
    );
    this.#traces ??= new RowTraces();
    this.#runtimes ??= new Map(listProfiles('runtimes').map((runtime) => [runtime, loadRuntime(runtime)]));
    const row = this.#rows.get(id);
    if (row === undefined) throw new UserError(`${place}: no bundled measurement is "${id}"`);
    const [traces, runtimes] = [this.#traces, this.#runtimes];
    const lacking = (lacks: string): UserError => new UserError(`${place}: measurement ${id} cannot be predicted: ${lacks}`);
    const composed = compositionOf(row, runtimes);
    if ('lacks' in composed) throw lacking(composed.lacks);
    const { expertCache, dramCache, system: named } = composed.run;
    const { system } = checkRun({ system: named }, place);
    return {
      world: JSON.stringify([row.model, row.machine, row.run]),
      runtime: composed.runtime,
      composition: { system, memory: { expertCache, dramCache } },
      figures: async (runtime, composition, bounds) => {
        const sizes = composition.memory as Pick<RowSystem, 'expertCache' | 'dramCache'>;
        const instead = { runtime, run: { ...composed.run, ...sizes, loaded: composition.system } };
        const { figures, knowing, lacks } = await predictRow(row, traces, runtimes, { instead, bounds });
        if (lacks !== null) throw lacking(lacks);
        const of = (metric: string): number | null => {
          const predicted = fieldsOf(metric)?.[0];
          return predicted === undefined ? null : (figures[predicted] ?? null);
        };
        return {
          of,
          measured: (metric) => {
            const measured = fieldsOf(metric)?.[1];
            return measured === undefined ? null : (row.measured[measured] ?? null);
          },
          at: (limit, metric) => (knowing === undefined ? null : figureAt(limit, knowing, composition.system, metric, of(metric))),
        };
      },
    };
  }
}

function comparedRun(spec: RunSpec): ComparedRun {
  const { label: _, memory, note: __, overrides, places: ___, runtime: ____, system, workload, ...rest } = spec;
  const { speculation, ...load } = workload;
  const changes = Object.values(overrides).map((all) => all.map(({ path, value }) => [path, value]));
  return {
    world: JSON.stringify([rest, load, changes]),
    runtime: hardwareOf(spec).software?.runtime ?? 'default',
    composition: { system, memory, speculation },
    figures: async (runtime, composition, bounds) => {
      const run = {
        ...spec,
        ...composition,
        bounds,
        found: 'all',
        runtime,
        workload: { ...load, speculation: composition.speculation },
      } as RunSpec;
      const { metrics } = await simulateRun(run);
      const of = (metric: string): number | null => metrics[metric]?.value ?? null;
      return {
        of,
        measured: () => null,
        at: (limit, metric) => figureAt(limit, knowingOf(metrics), composition.system, metric, of(metric)),
      };
    },
  };
}

function mergedParts(base: Readonly<Record<string, unknown>>, run: unknown): object {
  const fields = typeof run === 'string' ? {} : (run as Readonly<Record<string, unknown>>);
  const both = (field: 'memory' | 'workload'): object => ({ ...(base[field] as object), ...(fields[field] as object) });
  return { memory: both('memory'), workload: both('workload') };
}
