// The audit that precedes every run: a trap in a recording must not pass into figures in silence.

import { UserError } from '../../base/errors.js';
import type { ModelSpec } from '../../model/door.js';
import type { Warning } from '../../result/result.js';
import type { RunSpec } from '../../system/door.js';
import { type AuditFinding, auditTrace } from '../../trace/audit/index.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { Inputs } from './inputs.js';

/** Findings of the audits done last: cells of a study replay the same few traces again and again. */
const KNOWN = new Map<string, readonly AuditFinding[]>();
const MOST_KNOWN = 64;

/** Findings in the first rows of a trace, cached by its content, the way of reading it, and the shape of the model. */
function findingsIn(
  trace: RoutingTrace,
  tokens: number,
  model: ModelSpec | undefined,
  { traceColumns, traceFormat }: RunSpec,
): readonly AuditFinding[] {
  const shape = model === undefined ? null : [model.name, ...model.layers.map(({ experts, index }) => [index, experts])];
  const key = JSON.stringify([trace.sha256(), trace.path, tokens, shape, traceFormat, traceColumns]);
  const found = KNOWN.get(key) ?? auditTrace(trace, { ...(model === undefined ? {} : { model }), tokens });
  KNOWN.delete(key);
  KNOWN.set(key, found);
  if (KNOWN.size > MOST_KNOWN) KNOWN.delete(KNOWN.keys().next().value!);
  return found;
}

/**
 * Audits the rows that a run will replay; generated traces need no audit.
 * @returns one warning per finding
 * @throws UserError where the run is strict and something was found
 */
export function auditInputs({ heads, model, modelNote, traces }: Inputs, run: RunSpec): Warning[] {
  const warnings: Warning[] = modelNote === null ? [] : [{ code: 'model-by-sizes', message: modelNote }];
  if (run.audit === 'off') return warnings;
  for (const [i, trace] of traces.entries()) {
    const rows = heads[i]!;
    if (trace.meta.synthetic) continue;
    for (const { code, effect, fix, level, what } of findingsIn(
      trace,
      rows,
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
