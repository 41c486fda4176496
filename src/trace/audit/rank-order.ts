import { NULL_EXPERT, type TraceChunk } from '../trace.js';
import { type AuditCheck, percentOf } from './check.js';

/** Examined rows; id order depends on the recorder alone. */
const ROWS = 4096;
/** Minimum rows of a layer for significance; ours. */
const LEAST = 64;

/**
 * Detects ids out of rank order by gate weights: recorders sort ids, or routers do not sort (DeepSeek: sorted=False).
 */
export const rankOrder: AuditCheck = {
  code: 'rank-order',
  summary: 'ids sorted, or in no order, instead of rank order',
  start({ trace: { layers, topK } }) {
    let [events, ascending, descending, weighted] = [0, 0, 0, 0];
    let rising = 0;
    return {
      rows(chunk: TraceChunk, start: number): void {
        if (start >= ROWS || topK < 2) return;
        const { experts, weights } = chunk;
        for (let at = 0; at < chunk.tokens * layers * topK; at += topK) {
          let [up, down] = [1, 1];
          while (up < topK && experts[at + up]! > experts[at + up - 1]! && experts[at + up] !== NULL_EXPERT) up++;
          while (down < topK && experts[at + down]! < experts[at + down - 1]!) down++;
          if (experts[at] === NULL_EXPERT || experts[at + 1] === NULL_EXPERT) continue;
          events++;
          const whole = up === topK || experts[at + up] === NULL_EXPERT;
          if (whole) ascending++;
          if (down === topK) descending++;
          if (weights === null) continue;
          weighted++;
          for (let k = 1; k < topK && experts[at + k] !== NULL_EXPERT; k++) {
            if (weights[at + k]! > weights[at + k - 1]! * 1.001) {
              rising++;
              break;
            }
          }
        }
      },
      finish() {
        if (events < LEAST) return null;
        const sorted = ascending >= 0.99 * events || descending >= 0.99 * events;
        const shuffled = weighted >= LEAST && rising > 0.02 * weighted;
        if (!sorted && !shuffled) return null;
        return {
          what: sorted
            ? `Ids stand in ${ascending >= 0.99 * events ? 'ascending' : 'descending'} order in ${percentOf(Math.max(ascending, descending), events)} of the events looked at: sorted by number, not by rank.`
            : `Gate weights rise along the row in ${percentOf(rising, weighted)} of the events looked at: choices are in no rank order (top-k without sorting).`,
          effect:
            'Which expert was wanted most is lost. Within an event policies touch the last choice last (law L3), so ties between experts of one token ' +
            'break by number; hit rates change by tenths of a point, and what looks at ranks (top-1 statistics, precision of misses) is wrong.',
          fix: sorted
            ? 'Record the top-k indices as the router returns them.'
            : 'Sort the choices of a row by falling weight when recording.',
        };
      },
    };
  },
};
