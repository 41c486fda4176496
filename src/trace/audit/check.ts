// One pass over the rows in constant memory.
import type { ModelSpec } from '../../model/door.js';
import type { RoutingTrace, TraceChunk } from '../trace.js';

/** Finding of an audit, in sentences. */
export interface AuditFinding {
  /** Name in `moeprof explain`. */
  readonly code: string;
  /** `note`: correct, but relevant to readers. */
  readonly level: 'warning' | 'note';
  readonly what: string;
  readonly effect: string;
  readonly fix: string;
  /** Number of affected rows and the first row; null if not about single rows. */
  readonly rows: { readonly count: number; readonly first: number } | null;
}

type Found = Pick<AuditFinding, 'what' | 'effect' | 'fix'> & Partial<Pick<AuditFinding, 'level' | 'rows'>>;

interface Watcher {
  /** Processes the next rows, later overwritten. @param first trace row of row 0 */
  rows?(chunk: TraceChunk, first: number): void;
  finish(): Found | null;
}

interface Subject {
  readonly trace: RoutingTrace;
  readonly tokens: number;
  readonly model: ModelSpec | null;
}

/** One audit check. */
export interface AuditCheck {
  readonly code: string;
  readonly summary: string;
  start(subject: Subject): Watcher;
}

/** `layer 3`, `layers 0, 1, 2`, `layers 0, 1, 2, 3, 4 and 21 more`. */
export function layerList(layers: readonly number[]): string {
  const shown = layers.slice(0, 5).join(', ');
  const more = layers.length > 5 ? ` and ${layers.length - 5} more` : '';
  return `${layers.length === 1 ? 'layer' : 'layers'} ${shown}${more}`;
}

/** Share in per cent; a positive share never rounds to zero. */
export function percentOf(part: number, whole: number): string {
  const value = (100 * part) / whole;
  return `${value >= 10 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(1) : '<0.1'} %`;
}
