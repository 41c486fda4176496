import { UserError } from '../../base/errors.js';
import { byName, ownValue } from '../../base/objects.js';
import { shownPath } from '../../base/profiles.js';
import { didYouMean } from '../../base/text.js';
import { againText } from '../../report/door.js';
import { canonicalJson } from '../../result/digest.js';
import type { Result } from '../../result/result.js';
import type { SweepValue } from './space.js';

/** Columns that identify a run, in order. */
export const KEY_COLUMNS = [
  ...(['fingerprint', 'model', 'quantization', 'trace', 'trace_sha256', 'hardware', 'runtime', 'system'] as const),
  ...(['policy', 'predictor', 'scheduler', 'knowledge', 'seed', 'version'] as const),
] as const;

/** A name in {@link KEY_COLUMNS}. */
export type KeyColumn = (typeof KEY_COLUMNS)[number];

const PATHS = byName<KeyColumn>({
  model: 'model',
  quantization: 'quantization',
  trace: 'trace',
  hardware: 'hardware',
  runtime: 'runtime',
  system: 'system',
  'system.cache.policy': 'policy',
  'system.predictor': 'predictor',
  'system.scheduler': 'scheduler',
  seed: 'seed',
});

/** Key column of a path; null: a separate column. */
export const keyColumnOf = (path: string): KeyColumn | null => PATHS[path] ?? null;

/** Row of a run or failed cell. Rows of all studies are compatible. */
export interface RunRow {
  readonly status: Outcome['status'];
  /** Reason for missing metrics, else null. */
  readonly reason: string | null;
  /** Command to repeat the run; absent: unknown. */
  readonly again?: string;
  readonly key: Readonly<Partial<Record<KeyColumn, SweepValue>>>;
  readonly values: Readonly<Record<string, SweepValue>>;
  /** By name, in units of the catalogue. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Further settings, for rows of whole results. */
  readonly config?: Result['config'];
}

/** @param fingerprint null: absent @param values by varied path @param wanted empty: all @param again command */
export function rowOf(
  fingerprint: string | null,
  values: Readonly<Record<string, SweepValue>>,
  outcome: Outcome,
  wanted: readonly string[] = [],
  again?: string,
): RunRow {
  const shown = Object.fromEntries(
    Object.entries(values).flatMap(([path, value]) => (PATHS[path] === undefined ? [] : [[PATHS[path], value]])),
  );
  const named = fingerprint === null ? {} : { fingerprint };
  const repeated = again === undefined ? {} : { again };
  if (outcome.status !== 'done') {
    const { reason, status } = outcome;
    return { status, reason, ...repeated, key: { ...named, ...shown }, values, metrics: {} };
  }
  const { metrics } = outcome.result;
  const kept = wanted.length === 0 ? Object.keys(metrics) : wanted.filter((name) => metrics[name] !== undefined);
  return {
    status: 'done',
    reason: null,
    ...repeated,
    key: { ...named, ...keyOf(outcome.result) },
    values,
    metrics: Object.fromEntries(kept.map((name) => [name, metrics[name]!.value])),
  };
}

/** Row of a single result. */
export function rowOfResult(result: Result): RunRow {
  const again = againText(result);
  return { ...rowOf(null, {}, { status: 'done', result }, [], again === '' ? undefined : again), config: result.config };
}

/** Value by name: key column, varied path, metric, or path into settings; null if absent. */
export function rowValue(row: RunRow, name: string): SweepValue | null {
  const column = (KEY_COLUMNS as readonly string[]).includes(name) ? (name as KeyColumn) : PATHS[name];
  if (column !== undefined && row.key[column] !== undefined) return row.key[column];
  const found = ownValue(row.values, name) ?? ownValue(row.metrics, name);
  if (found !== undefined || row.config === undefined) return found ?? null;
  const inner = name.split('.').reduce<unknown>(ownValue, row.config);
  if (inner === undefined || inner === null) return null;
  return typeof inner === 'object' ? canonicalJson(inner) : (inner as SweepValue);
}

/** @throws UserError with the nearest name */
export function requireValue(rows: readonly RunRow[], name: string): void {
  if (rows.some((row) => rowValue(row, name) !== null)) return;
  const known = new Set(rows.flatMap(({ key, metrics, values }) => [key, values, metrics].flatMap(Object.keys)));
  throw new UserError(`${name}: no run has it; ${didYouMean(name, known)}`);
}

function keyOf({ config, inputs, knowledge, seed, tool }: Result): RunRow['key'] {
  const system = config.system as
    | { cache?: { policy?: unknown }; predictor?: { kind?: unknown }; scheduler?: { kind?: unknown } }
    | undefined;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    model: inputs.model,
    quantization: inputs.quantization,
    trace: inputs.traces.map(({ path }) => shownPath(path)).join('+'),
    trace_sha256: inputs.traces.map(({ sha256 }) => sha256).join('+'),
    hardware: inputs.hardware,
    runtime: inputs.runtime ?? '',
    system: inputs.system,
    policy: text(system?.cache?.policy),
    predictor: text(system?.predictor?.kind),
    scheduler: text(system?.scheduler?.kind),
    knowledge: knowledge?.most ?? 'nothing',
    seed,
    version: tool.version,
  };
}

/** `refused`: impossible on every try. `failed`: the process died, or a bug in moeprof. */
export type Outcome =
  | { readonly status: 'done'; readonly result: Result }
  | { readonly status: 'refused' | 'failed'; readonly reason: string };
