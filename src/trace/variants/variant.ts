import { newSha256 } from '../../base/host/hash.js';
import { type Member, memberOf, type Parameters } from '../../base/parameters.js';
import { allocateChunk, type RoutingTrace, type TraceChunk } from '../trace.js';

/** Column required by a variant. */
export type VariantNeed = 'weights' | 'tokenIds';

/** Context of a variant. */
export interface VariantContext {
  /** As written by the user, e.g. `top-p=0.9`. */
  readonly spec: string;
  readonly seed: number;
  /** Experts by layer, of the model if known, else of the trace. */
  readonly experts: readonly number[];
  /** Choices per token by layer: the model's top-k if known, else the trace's width. */
  readonly choices: readonly number[];
}

/** Rewrites rows of a trace when read, so that variants stack. */
export interface Variant extends Member {
  /** Parameter of `name=value`; absent: no parameter. */
  readonly main?: string;
  needs?(parameters: Parameters): readonly VariantNeed[];
  /** @throws UserError if parameters contradict each other or the trace */
  change(trace: RoutingTrace, parameters: Parameters, context: VariantContext): RoutingChange;
}

/** A variant from its definition. */
export const variant = memberOf<Variant>();

/** Change of rows; absent fields stay as in the trace below. */
export interface RoutingChange {
  readonly expertsPerLayer?: readonly number[];
  /** New row width per layer. */
  readonly topK?: number;
  /** False: weights no longer match the choices. */
  readonly weights?: false;
  /** False: predictions no longer match. */
  readonly predicted?: false;
  /** True: no model made the choices. */
  readonly synthetic?: true;
  /** Writes `experts` (and `weights`) of all rows of `source`; the rest is copied. @param start trace row of row 0 */
  rewrite(source: TraceChunk, into: TraceChunk, start: number): void;
}

/** Trace with rewritten rows; owns the trace below. @param identity of the change, hashed @param label in notes */
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
