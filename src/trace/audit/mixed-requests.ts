import { formatCounted } from '../../base/units.js';
import { NULL_EXPERT, type TraceChunk } from '../trace.js';
import type { AuditCheck } from './check.js';

/** Longest compared lag in rows: batches of up to 31 requests. */
const LAGS = 31;
/** Examined layers, spread over the depth. */
const LAYERS = 4;
/** Least examined rows. */
const LEAST = 256;
/** Most examined rows. */
const ROWS = 8192;

/** Detects batches recorded token by token: a row is most similar to the row one batch earlier. */
export const mixedRequests: AuditCheck = {
  code: 'mixed-requests',
  summary: 'several requests recorded as one, row by row',
  start({ trace }) {
    const { layers, topK, expertsPerLayer } = trace;
    const watched = Array.from({ length: Math.min(LAYERS, layers) }, (_, i) => Math.floor(((i + 0.5) * layers) / Math.min(LAYERS, layers)));
    const most = Math.max(...expertsPerLayer);
    /** Per expert: bit d - 1 is set if used d rows before row `usedAt`. */
    const history = new Int32Array(watched.length * most);
    const usedAt = new Int32Array(watched.length * most).fill(-LAGS - 1);
    const shared = new Float64Array(LAGS + 1);
    const compared = new Float64Array(LAGS + 1);
    let [request, position, rows] = [-1, 0, 0];
    return {
      rows(chunk: TraceChunk): void {
        if (rows >= ROWS) return;
        const { experts } = chunk;
        for (let row = 0; row < chunk.tokens; row++) {
          if (chunk.request[row] !== request) {
            request = chunk.request[row]!;
            position = 0;
            usedAt.fill(-LAGS - 1);
          }
          const reach = Math.min(position, LAGS);
          for (let w = 0; w < watched.length; w++) {
            const at = (row * layers + watched[w]!) * topK;
            for (let k = 0; k < topK; k++) {
              const expert = experts[at + k]!;
              if (expert === NULL_EXPERT) continue;
              const id = w * most + expert;
              const age = position - usedAt[id]!;
              let word = age > LAGS ? 0 : (history[id]! << age) | (1 << (age - 1));
              word &= 0x7fffffff;
              history[id] = word;
              usedAt[id] = position;
              for (; word !== 0; word &= word - 1) shared[32 - Math.clz32(word & -word)]! += 1;
              compared[reach]! += 1;
            }
          }
          position++;
          rows++;
        }
      },
      finish() {
        if (rows < LEAST) return null;
        // Choices with at least `lag` earlier rows compare at `lag`.
        const overlap = new Float64Array(LAGS + 1);
        let choices = 0;
        for (let lag = LAGS; lag >= 1; lag--) {
          choices += compared[lag]!;
          overlap[lag] = choices === 0 ? 0 : shared[lag]! / choices;
        }
        let best = 1;
        for (let lag = 2; lag <= LAGS; lag++) if (overlap[lag]! > overlap[best]!) best = lag;
        // A batch lag exceeds its neighbours; in plain text overlap only falls.
        const around = Math.max(overlap[best - 1] ?? 0, best < LAGS ? overlap[best + 1]! : 0);
        if (best === 1 || overlap[best]! < 1.25 * overlap[1]! || overlap[best]! < 1.15 * around) return null;
        return {
          what:
            `A row shares ${(100 * overlap[best]!).toFixed(0)} % of its experts with the row ${best} before it, but ${(100 * overlap[1]!).toFixed(0)} % with its ` +
            `neighbour: about ${best} requests are interleaved in ${formatCounted(trace.requests.length, 'request')} of the file.`,
          effect:
            'Decoding at batch 1 sees strangers after one another: reuse and hit rates come out too low, and request latencies mean nothing.',
          fix: `Record one request at a time or with request ids; a fixed batch of ${best} can be taken apart by every ${best}th row.`,
        };
      },
    };
  },
};
