// A run before it is composed: inputs, workload, layout and audit.
import { expertBytesTotal } from '../../model/door.js';
import type { Warning } from '../../result/result.js';
import type { PassRecord, Workload } from '../../schedule/door.js';
import type { RunSpec } from '../../system/door.js';
import { auditInputs } from '../inputs/audit.js';
import type { Inputs } from '../inputs/inputs.js';
import { type Serving, servingOf } from '../inputs/serving.js';
import { type Layout, planLayout } from '../memory/layout.js';

/** A planned run. */
export interface RunPlan {
  readonly run: RunSpec;
  readonly inputs: Inputs;
  readonly serving: Serving;
  /** The requests of the run proper. */
  readonly workload: Workload;
  readonly layout: Layout;
  /** Passes to compose again; null: the scheduler composes them. */
  readonly record: PassRecord | null;
  /** Findings of the audit of the traces. */
  readonly auditWarnings: readonly Warning[];
}

/** Plans a run. @throws UserError where the workload or a capacity is malformed, or the audit of a strict run finds something */
export async function planRun(inputs: Inputs, run: RunSpec): Promise<RunPlan> {
  const serving = servingOf(inputs, run);
  const auditWarnings = auditInputs(inputs, run);
  const workload = serving.workload();
  const layout = await planLayout(inputs, run, workload, serving);
  return { run, inputs, serving, workload, layout, record: null, auditWarnings };
}

/**
 * True where the one memory of a machine is the page cache of a mapped file that does not fit into it: a static placement then says nothing of
 * what stays (L14).
 */
export function isPageCache({ inputs: { hardware, model, system }, layout }: Pick<RunPlan, 'inputs' | 'layout'>): boolean {
  const { links, software, tiers } = hardware;
  const { policy } = system.cache;
  const mapped = software?.mapped === true && tiers[0]!.name === 'unified' && links.length > 0;
  return mapped && policy.name === 'static' && layout.total.cacheBytes < expertBytesTotal(model);
}

/** True where the division of GPU memory changes during the run: KV caches grow, or a fault takes memory. */
export function memoryChanges({ layout, run }: RunPlan): boolean {
  return layout.total.kvGrowth !== 'static' || (run.faults ?? []).some(({ gpuMemory }) => gpuMemory !== undefined);
}
