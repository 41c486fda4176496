import { UserError } from '../base/errors.js';
import { newSha256 } from '../base/host/hash.js';
import { chunkRows, type RoutingTrace, type TraceRequest } from './trace.js';

interface Segment {
  readonly request: TraceRequest;
  readonly start: number;
  readonly end: number;
}

/** `#FROM:TO` to `[from, to)`; absent ends mean all. @param all number of rows */
export function rangeOfRows(rows: string, all: number): readonly [from: number, to: number] {
  const [from = '', to = ''] = rows.slice(1).split(':');
  return [Number(from), to === '' ? all : Number(to)];
}

/** Rows of a trace by `#FROM:TO`; empty: all. @param name in messages @throws UserError */
export function rowsNamed(whole: RoutingTrace, rows: string, name: string): RoutingTrace {
  if (rows === '') return whole;
  const [start, end] = rangeOfRows(rows, whole.tokens);
  if (start < end && end <= whole.tokens) return selectRows(whole, start, end, name);
  throw new UserError(`${name}: there are rows 0:${whole.tokens}; write #FROM:TO with FROM < TO <= ${whole.tokens}`);
}

/** Rows `[from, to)` of a trace. @param name of the selection in messages and reports */
export function selectRows(whole: RoutingTrace, from: number, to: number, name: string): RoutingTrace {
  if (from === 0 && to === whole.tokens && name === whole.path) return whole;
  const segments = whole.requests.flatMap((request) => {
    const start = Math.max(from, request.start);
    const end = Math.min(to, request.start + request.prefill + request.decode);
    return start < end ? [{ request, start, end }] : [];
  });
  return selection(whole, segments, name);
}

/** Marked rows of a trace, by request. @param name of the selection in messages and reports */
export function selectMarked(whole: RoutingTrace, rows: Int32Array, name: string): RoutingTrace {
  const segments: Segment[] = [];
  for (let i = 0; i < rows.length; ) {
    const start = rows[i]!;
    const request = whole.requests.findLast((candidate) => candidate.start <= start)!;
    const limit = request.start + request.prefill + request.decode;
    let end = start;
    while (i < rows.length && rows[i] === end && end < limit) {
      end++;
      i++;
    }
    segments.push({ request, start, end });
  }
  return selection(whole, segments, name);
}

/** Positions stay; requests are renumbered. */
function selection(whole: RoutingTrace, segments: readonly Segment[], path: string): RoutingTrace {
  let tokens = 0;
  const requests = segments.map(({ end, request, start }) => {
    const prefill = Math.max(0, Math.min(end, request.start + request.prefill) - start);
    const part = { id: request.id, start: tokens, prefill, decode: end - start - prefill };
    tokens += end - start;
    return part;
  });
  return {
    ...whole,
    path,
    tokens,
    requests,
    read(start, count, into) {
      let done = 0;
      for (let index = segmentOf(requests, start); done < count; index++) {
        const segment = segments[index]!;
        const skipped = start + done - requests[index]!.start;
        const rows = Math.min(count - done, segment.end - segment.start - skipped);
        const window = chunkRows(whole, into, done, rows);
        whole.read(segment.start + skipped, rows, window);
        window.request.fill(index);
        done += rows;
      }
      into.tokens = count;
    },
    sha256() {
      const hash = newSha256().update(whole.sha256());
      for (const { end, start } of segments) hash.update(`;${start}:${end}`);
      return hash.digest('hex');
    },
  };
}

function segmentOf(requests: readonly TraceRequest[], row: number): number {
  let low = 0;
  for (let high = requests.length; high - low > 1; ) {
    const middle = (low + high) >>> 1;
    if (requests[middle]!.start <= row) low = middle;
    else high = middle;
  }
  return low;
}

/** Maximum factor between requested share and a cut between requests. Ours. */
const LEEWAY = 2;

/** Rows to hold out from the start: up to a nearby request end, else inside a request. @param share (0, 1) */
export function heldOutRows({ requests, tokens }: Pick<RoutingTrace, 'requests' | 'tokens'>, share: number): number {
  if (tokens < 2) return 0;
  const wished = Math.min(tokens - 1, Math.max(1, tokens * share));
  const held = requests
    .map(({ start }) => start)
    .filter((rows) => rows > 0 && rows >= wished / LEEWAY && rows <= wished * LEEWAY)
    .sort((a, b) => Math.abs(a - wished) - Math.abs(b - wished));
  return held[0] ?? Math.round(wished);
}
