// Registry of audit checks. Readers refuse bad and repeated ids (trace/check.ts).
import type { ModelSpec } from '../../model/door.js';
import { chunks, type RoutingTrace } from '../trace.js';
import { cachedPrefix } from './cached-prefix.js';
import type { AuditCheck, AuditFinding } from './check.js';
import { denseLayers } from './dense-layers.js';
import { mixedRequests } from './mixed-requests.js';
import { physicalIds } from './physical-ids.js';
import { raggedLayers } from './ragged-layers.js';
import { rankOrder } from './rank-order.js';
import { repeatedText } from './repeated-text.js';
import { rowCount } from './row-count.js';
import { stridedView } from './strided-view.js';
import { warmUpRows } from './warm-up-rows.js';

export type { AuditFinding } from './check.js';

/** All checks; a new check is a file and a line. */
export const auditChecks: readonly AuditCheck[] = [
  warmUpRows,
  denseLayers,
  cachedPrefix,
  rowCount,
  stridedView,
  raggedLayers,
  rankOrder,
  physicalIds,
  repeatedText,
  mixedRequests,
];

/** Rows read at a time. */
const ROWS = 256;

/** All checks in one pass. @param options recorded model, rows to check @returns warnings first @throws UserError */
export function auditTrace(trace: RoutingTrace, options: { model?: ModelSpec; tokens?: number } = {}): AuditFinding[] {
  const tokens = Math.min(options.tokens ?? trace.tokens, trace.tokens);
  const subject = { trace, tokens, model: options.model ?? null };
  const watchers = auditChecks.map(({ code, start }) => ({ code, ...start(subject) }));
  const reading = watchers.filter((watcher) => watcher.rows !== undefined);
  let start = 0;
  for (const chunk of chunks(trace, ROWS, 0, tokens)) {
    for (const watcher of reading) watcher.rows!(chunk, start);
    start += chunk.tokens;
  }
  const findings = watchers.flatMap(({ code, finish }): AuditFinding[] => {
    const found = finish();
    if (found === null) return [];
    const { level = 'warning', what, effect, fix, rows = null } = found;
    return [{ code, level, what, effect, fix, rows }];
  });
  return [...findings.filter(({ level }) => level === 'warning'), ...findings.filter(({ level }) => level === 'note')];
}
