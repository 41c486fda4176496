import { newSha256 } from '../../base/host/hash.js';
import type { Member, Parameters } from '../../base/parameters.js';
import { allocateChunk, type RoutingTrace, type TraceChunk } from '../trace.js';

/** Column of a trace that a variant cannot do without. */
export type VariantNeed = 'weights' | 'tokenIds';

/** The context of a variant. */
export interface VariantContext {
  /** As the user wrote it, for messages, e.g. `top-p=0.9`. */
  readonly spec: string;
  readonly seed: number;
  /** Experts of each layer: the model's if one is known, else the trace's. */
  readonly experts: readonly number[];
  /** Choices of a token at each layer: the model's top-k if one is known, else the trace's width. */
  readonly choices: readonly number[];
}

/** One member of the family: a trace over a trace, whose rows are rewritten when they are read, so that variants stack. */
export interface Variant extends Member {
  /** The parameter that `name=value` sets; absent: it has none. */
  readonly main?: string;
  /** Columns that it reads, for these parameters; absent: no special ones. */
  needs?(parameters: Parameters): readonly VariantNeed[];
  /** The change that it makes to a trace that has what it needs. @throws UserError if parameters contradict each other or the trace */
  change(trace: RoutingTrace, parameters: Parameters, context: VariantContext): RoutingChange;
}

/** How rows change; what is left out stays as in the trace below. */
export interface RoutingChange {
  readonly expertsPerLayer?: readonly number[];
  /** Width of a row per layer afterwards. */
  readonly topK?: number;
  /** False: gate weights belong to choices that are no longer made. */
  readonly weights?: false;
  /** False: the same of recorded predictions. */
  readonly predicted?: false;
  /** True: the routing is no longer what a model chose. */
  readonly synthetic?: true;
  /** Writes `experts`, and `weights` if there are any, of all rows of `source`; the rest is copied. @param start trace row of its row 0 */
  rewrite(source: TraceChunk, into: TraceChunk, start: number): void;
}

/** A trace whose rows are rewritten as they are read. It owns the trace below. @param identity of the change, hashed @param label in notes */
export function variantTrace(below: RoutingTrace, change: RoutingChange, identity: string, label: string): RoutingTrace {
  const { meta } = below;
  const { notes } = meta;
  const { expertsPerLayer = below.expertsPerLayer, topK = below.topK } = change;
  const layers = expertsPerLayer.length;
  const predictedRow = change.predicted === false ? 0 : layers * below.has.predictedK;
  let source = allocateChunk(below, 0);
  return {
    ...below,
    layers,
    topK,
    expertsPerLayer,
    meta: {
      ...meta,
      synthetic: meta.synthetic || change.synthetic === true,
      expertBytes: layers === below.layers ? meta.expertBytes : null,
      notes: { ...notes, variants: notes.variants === undefined ? label : `${notes.variants} ${label}` },
    },
    has: {
      ...below.has,
      weights: below.has.weights && change.weights !== false,
      predictedK: change.predicted === false ? 0 : below.has.predictedK,
    },
    read(start, count, into) {
      if (source.request.length < count) source = allocateChunk(below, count);
      below.read(start, count, source);
      into.tokens = count;
      into.request.set(source.request.subarray(0, count));
      into.position.set(source.position.subarray(0, count));
      into.phase.set(source.phase.subarray(0, count));
      if (into.tokenId !== null && source.tokenId !== null) into.tokenId.set(source.tokenId.subarray(0, count));
      if (into.predicted !== null && predictedRow > 0) into.predicted.set(source.predicted!.subarray(0, count * predictedRow));
      change.rewrite(source, into, start);
    },
    sha256: () => newSha256().update(`${below.sha256()} ${identity}`).digest('hex'),
  };
}
