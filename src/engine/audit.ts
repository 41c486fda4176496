// The audit that precedes every run: a trap in a recording must not pass into figures in silence.
import { UserError } from '../base/errors.js';
import type { Warning } from '../result/result.js';
import type { RunSpec } from '../system/run.js';
import { auditTrace } from '../trace/audit/index.js';
import type { Inputs } from './inputs.js';

/**
 * Audits the rows that a run will replay; generated traces are what they are.
 * @param tokens rows from the first that the run replays
 * @returns one warning per finding
 * @throws UserError where the run is strict and something was found
 */
export function auditInputs({ model, modelNote, traces }: Inputs, run: RunSpec, tokens: number): Warning[] {
  const warnings: Warning[] = modelNote === null ? [] : [{ code: 'model-by-sizes', message: modelNote }];
  if (run.audit === 'off') return warnings;
  let left = tokens;
  for (const trace of traces) {
    const rows = Math.min(trace.tokens, left);
    left -= rows;
    if (rows === 0 || trace.meta.synthetic) continue;
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
