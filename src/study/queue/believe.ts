import { ownValue, remembered } from '../../base/objects.js';
import { configOfRun } from '../../engine/outcome/outcome.js';
import { canonicalJson } from '../../result/digest.js';
import type { Result } from '../../result/result.js';
import { VERSION } from '../../result/version.js';
import type { RunSpec, SystemSpec } from '../../system/door.js';

/** Canonical JSON by system, shared by cells. */
const SYSTEMS = new WeakMap<SystemSpec, string>();

/** Mismatch between a result and the run, in words; null: a match. */
export function faultOf(result: Result, run: RunSpec): string | null {
  const { config, inputs, seed, tool } = result;
  if (tool.version !== VERSION) return `is of moeprof ${tool.version}`;
  if (seed !== run.seed) return `is of seed ${seed}, not ${run.seed}`;
  if (inputs.system !== run.system.name) return `is of system ${inputs.system}, not ${run.system.name}`;
  const paths = inputs.traces.map(({ path }) => path);
  if (canonicalJson(paths) !== canonicalJson(run.trace)) return 'is of other traces';
  const { system, ...rest }: Readonly<Record<string, unknown>> = configOfRun(run);
  const differing = Object.keys(rest).find((key) => canonicalJson(ownValue(config, key)) !== canonicalJson(ownValue(rest, key)));
  if (differing !== undefined) return `is of another run: config.${differing} differs`;
  const text = remembered(SYSTEMS, run.system, () => canonicalJson(system));
  return canonicalJson(config.system) === text ? null : 'is of another run: config.system differs';
}

/** Refused results that shut a worker out; ours. */
const PATIENCE = 3;
/** Refusals that fail a cell; ours. */
const MOST = 10;
/** Most workers counted; ours, since any name can be sent. */
const MOST_NAMES = 10_000;

/** Refusals of results that do not fit their cell, by cell and worker. */
export class Refusals {
  readonly #ofCell = new Map<string, number>();
  readonly #ofWorker = new Map<string, number>();

  /**
   * @param worker as signed; null: no valid seal @returns `named`: the first; `failed`: too many; `shut`: the worker
   */
  add(fingerprint: string, worker: string | null): { readonly named: boolean; readonly failed: boolean; readonly shut: boolean } {
    const times = (this.#ofCell.get(fingerprint) ?? 0) + 1;
    this.#ofCell.set(fingerprint, times);
    return { named: times === 1, failed: times >= MOST, shut: worker !== null && this.#countOf(worker) === PATIENCE };
  }

  /** True for a worker shut out after repeated refusals. */
  isShut(worker: string): boolean {
    return (this.#ofWorker.get(worker) ?? 0) >= PATIENCE;
  }

  #countOf(worker: string): number {
    const count = (this.#ofWorker.get(worker) ?? 0) + 1;
    if (count > 1 || this.#ofWorker.size < MOST_NAMES) this.#ofWorker.set(worker, count);
    return count;
  }
}
