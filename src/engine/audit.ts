// The audit that precedes every run: a trap in a recording must not pass into figures in silence.
import { UserError } from '../base/errors.js';
import type { Warning } from '../result/result.js';
import type { RunSpec } from '../system/run.js';
import { auditTrace } from '../trace/audit/index.js';
import type { Inputs } from './inputs.js';

/**
 * Audits the rows that a run will replay; generated traces are what they are.
 * @returns one warning per finding
 * @throws UserError where the run is strict and something was found
 */
export function auditInputs({ model, modelNote, traces }: Inputs, run: RunSpec): Warning[] {
  const warnings: Warning[] = modelNote === null ? [] : [{ code: 'model-by-sizes', message: modelNote }];
  if (run.audit === 'off') return warnings;
  const { tokens: each = Number.POSITIVE_INFINITY } = run.workload;
  for (const trace of traces) {
    const rows = Math.min(trace.tokens, each);
    if (trace.meta.synthetic) continue;
    for (const { code, effect, fix, level, what } of auditTrace(trace, {
      ...(trace.layers === model.layers.length ? { model } : {}),
      tokens: rows,
    })) {
      if (level === 'note') continue;
      if (run.audit === 'strict') throw new UserError(`${trace.path}: ${code}: ${what} ${fix}`);
      const place = traces.length > 1 ? `${trace.path}: ` : '';
      warnings.push({ code, message: `${place}${what} ${effect} ${fix}` });
    }
  }
  return warnings;
}
