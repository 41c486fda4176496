// The last part of a recording, excluded from the replay: popularity is counted there rather than on the tokens that it then serves.
import type { RoutingTrace } from './trace.js';

/** Maximum factor between the requested share and a cut between two requests: half as much, or twice. Our choice. */
const LEEWAY = 2;

/**
 * Rows of a trace before its held-out part. The cut is between two requests if one ends near enough, else within a request; each side has at
 * least one row, and a trace of one row has no held-out part.
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
