import { ownValue } from '../base/objects.js';
import { formatCounted } from '../base/units.js';
import type { RoutingTrace } from './trace.js';

/** Words on a recording that ends inside an event, behind its name; null: whole. */
export function cutText({ meta }: Pick<RoutingTrace, 'meta'>): string | null {
  const bytes = Number(ownValue(meta.notes, 'cut_bytes') ?? 0);
  return bytes > 0 ? `ends inside an event, whose ${formatCounted(bytes, 'byte')} are left out: it was cut short.` : null;
}

/** Remark on a cut recording; null: whole. */
export function cutNote(trace: Pick<RoutingTrace, 'meta' | 'path'>): string | null {
  const cut = cutText(trace);
  return cut === null ? null : `${trace.path}: ${cut}`;
}
