import { UserError } from '../../base/errors.js';
import { rememberedLately } from '../../base/objects.js';
import { expertBytesTotal, type ModelSpec } from '../../model/door.js';
import type { Warning } from '../../result/result.js';
import type { PassRecord, Workload } from '../../schedule/door.js';
import type { RunSpec } from '../../system/door.js';
import { type AuditFinding, auditTrace } from '../../trace/audit/index.js';
import { selectRows } from '../../trace/selection.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { Inputs } from '../inputs/inputs.js';
import { type Serving, servingOf } from '../inputs/serving.js';
import { type Layout, planLayout } from '../memory/layout.js';

/** A planned run. */
export interface RunPlan {
  readonly run: RunSpec;
  readonly inputs: Inputs;
  readonly serving: Serving;
  readonly workload: Workload;
  readonly layout: Layout;
  /** Null: passes are composed by the scheduler. */
  readonly record: PassRecord | null;
  readonly auditWarnings: readonly Warning[];
}

/** @throws UserError if workload or capacity is malformed, or a strict run's audit has findings */
export async function planRun(inputs: Inputs, run: RunSpec): Promise<RunPlan> {
  const serving = servingOf(inputs, run);
  const auditWarnings = auditInputs(inputs, run);
  const workload = serving.workload();
  const layout = await planLayout(inputs, run, workload, serving);
  return { run, inputs, serving, workload, layout, record: null, auditWarnings };
}

/** A mapped file too large for memory: a static placement does not decide contents (L14). */
export function isPageCache({ inputs: { hardware, model, system }, layout }: Pick<RunPlan, 'inputs' | 'layout'>): boolean {
  const { links, software, tiers } = hardware;
  const { policy } = system.cache;
  const mapped = software?.mapped === true && tiers[0]!.name === 'unified' && links.length > 0;
  return mapped && policy.name === 'static' && layout.total.cacheBytes < expertBytesTotal(model);
}

/** KV caches grow, or a fault takes memory. */
export const memoryChanges = ({ layout, run }: RunPlan): boolean =>
  layout.total.kvGrowth !== 'static' || (run.faults ?? []).some(({ gpuMemory }) => gpuMemory !== undefined);

/** Findings of recent audits: a study's cells replay few traces. */
const KNOWN = new Map<string, readonly AuditFinding[]>();
/** Most remembered audits. */
const MOST_KNOWN = 64;

/** Findings in a trace's first rows, cached. */
function findingsIn(
  trace: RoutingTrace,
  tokens: number,
  model: ModelSpec | undefined,
  { traceColumns, traceFormat }: RunSpec,
): readonly AuditFinding[] {
  const shape = model === undefined ? null : [model.name, ...model.layers.map(({ experts, index }) => [index, experts])];
  const key = JSON.stringify([trace.sha256(), trace.path, tokens, shape, traceFormat, traceColumns]);
  return rememberedLately(KNOWN, MOST_KNOWN, key, () => auditTrace(trace, { ...(model === undefined ? {} : { model }), tokens }));
}

/** @returns a warning per finding in replayed rows of recorded traces @throws UserError for a strict run */
function auditInputs({ model, modelNote, replayed, traces }: Inputs, run: RunSpec): Warning[] {
  const warnings: Warning[] = modelNote === null ? [] : [{ code: 'model-by-sizes', message: modelNote }];
  if (run.audit === 'off') return warnings;
  for (const [i, whole] of traces.entries()) {
    const { from, to } = replayed[i]!;
    // Held-out rows are not replayed; rows after the replay were not read.
    const trace = from === 0 ? whole : selectRows(whole, from, whole.tokens, whole.path);
    if (trace.meta.synthetic) continue;
    for (const { code, effect, fix, level, what } of findingsIn(
      trace,
      to - from,
      trace.layers === model.layers.length ? model : undefined,
      run,
    )) {
      if (level === 'note') continue;
      if (run.audit === 'strict') throw new UserError(`${trace.path}: ${code}: ${what} ${fix}`);
      const place = traces.length > 1 ? `${trace.path}: ` : '';
      warnings.push({ code, message: `${place}${what} ${effect} ${fix}` });
    }
  }
  return warnings;
}
