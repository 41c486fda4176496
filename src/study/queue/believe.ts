// What a sweep believes of a result: only what fits its cell. The result itself was read as any result is, and agrees with itself.

import { configOfRun } from '../../engine/outcome/outcome.js';
import { canonicalJson } from '../../result/digest.js';
import type { Result } from '../../result/result.js';
import { VERSION } from '../../result/version.js';
import type { RunSpec, SystemSpec } from '../../system/door.js';

/** Canonical JSON of systems: cells of a study share them. */
const SYSTEMS = new WeakMap<SystemSpec, string>();

/** What in a result is not of this run, in words; null: nothing. */
export function faultOf(result: Result, run: RunSpec): string | null {
  const { config, inputs, seed, tool } = result;
  if (tool.version !== VERSION) return `is of moeprof ${tool.version}`;
  if (seed !== run.seed) return `is of seed ${seed}, not ${run.seed}`;
  if (inputs.system !== run.system.name) return `is of system ${inputs.system}, not ${run.system.name}`;
  const paths = inputs.traces.map(({ path }) => path);
  if (canonicalJson(paths) !== canonicalJson(run.trace)) return 'is of other traces';
  const { system, ...own }: Readonly<Record<string, unknown>> = configOfRun(run);
  const differing = Object.keys(own).find((key) => canonicalJson(config[key]) !== canonicalJson(own[key]));
  if (differing !== undefined) return `is of another run: config.${differing} differs`;
  const text = SYSTEMS.get(run.system) ?? canonicalJson(system);
  SYSTEMS.set(run.system, text);
  return canonicalJson(config.system) === text ? null : 'is of another run: config.system differs';
}
