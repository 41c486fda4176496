// The contract of an audit check: it reads all rows of a trace once, in constant memory, and reports what would falsify a result.
import type { ModelSpec } from '../../model/door.js';
import type { RoutingTrace, TraceChunk } from '../trace.js';

/** A finding of an audit. Texts are sentences. */
export interface AuditFinding {
  /** Name of the kind of finding, as in `moeprof explain`. */
  readonly code: string;
  /** `note`: a correct property of the recording that matters to a reader. */
  readonly level: 'warning' | 'note';
  /** The finding, its place and its extent. */
  readonly what: string;
  readonly effect: string;
  readonly fix: string;
  /** Number of rows concerned, and the first of them; null if it does not concern single rows. */
  readonly rows: { readonly count: number; readonly first: number } | null;
}

/** A finding as its check words it: a warning unless it is a note. */
type Found = Pick<AuditFinding, 'what' | 'effect' | 'fix'> & Partial<Pick<AuditFinding, 'level' | 'rows'>>;

interface Watcher {
  /** Processes the next rows. The chunk is overwritten afterwards. @param first number of its row 0 */
  rows?(chunk: TraceChunk, first: number): void;
  /** Called once, after the last row. */
  finish(): Found | null;
}

interface Subject {
  readonly trace: RoutingTrace;
  /** Number of rows to check, from the first. */
  readonly tokens: number;
  readonly model: ModelSpec | null;
}

/** One member of the family. */
export interface AuditCheck {
  readonly code: string;
  /** The problem that it looks for, in a few words. */
  readonly summary: string;
  start(subject: Subject): Watcher;
}

/** `layer 3`, `layers 0, 1, 2`, `layers 0, 1, 2 and 21 more`. */
export function layerList(layers: readonly number[]): string {
  const shown = layers.slice(0, 5).join(', ');
  const more = layers.length > 5 ? ` and ${layers.length - 5} more` : '';
  return `${layers.length === 1 ? 'layer' : 'layers'} ${shown}${more}`;
}

/** A share in per cent, rounded so that a positive share is never shown as zero. */
export function percentOf(part: number, whole: number): string {
  const value = (100 * part) / whole;
  return `${value >= 10 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(1) : '<0.1'} %`;
}
