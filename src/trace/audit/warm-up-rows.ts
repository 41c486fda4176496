import { formatCounted } from '../../base/units.js';
import { NULL_EXPERT, type TraceChunk } from '../trace.js';
import { type AuditCheck, percentOf } from './check.js';

/** Minimum consecutive equal rows beyond coincidence; ours. */
const LEAST = 16;

/** Finds start-up batches, recorded as a constant row (31 to 87 % of three published recordings). */
export const warmUpRows: AuditCheck = {
  code: 'warm-up-rows',
  summary: 'start-up batches logged as tokens (one row repeated)',
  start({ tokens, trace }) {
    const width = trace.layers * trace.topK;
    const before = new Uint16Array(width);
    let [run, runStart, total, runs] = [0, 0, 0, 0];
    let [longest, first] = [0, -1];
    const end = (): void => {
      if (run >= LEAST) {
        total += run;
        runs++;
        if (first < 0) first = runStart;
        if (run > longest) longest = run;
      }
      run = 0;
    };
    return {
      rows(chunk: TraceChunk, start: number): void {
        const { experts } = chunk;
        let at = 0;
        for (let row = 0; row < chunk.tokens; row++, at += width) {
          let same = 0;
          while (same < width && experts[at + same] === before[same]) same++;
          if (same === width && start + row > 0 && before.some((id) => id !== NULL_EXPERT)) {
            if (run === 0) {
              run = 1;
              runStart = start + row - 1;
            }
            run++;
            continue;
          }
          end();
          before.set(experts.subarray(at, at + width));
        }
      },
      finish() {
        end();
        if (first < 0) return null;
        return {
          what:
            `${formatCounted(total, 'row')} (${percentOf(total, tokens)}) in ${formatCounted(runs, 'run')} of equal rows, the first from row ${first}, the ` +
            `longest of ${longest}: start-up or padding batches that were logged as tokens.`,
          effect: 'Equal rows always hit, so hit rates and reuse come out too high, and their experts look popular.',
          fix:
            'Start recording after the warm-up, or cut the rows out: ' +
            (first === 0 && total === longest
              ? `moeprof trace convert FILE --tokens ${total}.. -o clean.safetensors.`
              : 'moeprof trace convert FILE --tokens A..B.'),
          rows: { count: total, first },
        };
      },
    };
  },
};
