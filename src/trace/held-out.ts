// The last part of a recording, kept off the replay: what is counted beforehand is counted there, and not on what it then serves.
import type { RoutingTrace } from './trace.js';

/** How far from the wished share the cut may lie to fall between two requests: half of it, or twice as much. Ours. */
const LEEWAY = 2;

/**
 * Rows of a trace before its held-out part. The cut falls between two requests where one ends near enough, else within a request; at least one
 * row is on each side, and of a trace of one row nothing is held out.
 * @param share of the rows that is held out, in (0, 1)
 */
export function rowsBeforeHeldOut({ requests, tokens }: Pick<RoutingTrace, 'requests' | 'tokens'>, share: number): number {
  if (tokens < 2) return tokens;
  const wished = Math.min(tokens - 1, Math.max(1, tokens * share));
  const held = requests
    .map(({ start }) => tokens - start)
    .filter((rows) => rows < tokens && rows >= wished / LEEWAY && rows <= wished * LEEWAY)
    .sort((a, b) => Math.abs(a - wished) - Math.abs(b - wished));
  return tokens - (held[0] ?? Math.round(wished));
}
