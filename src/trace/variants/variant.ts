// A routing variant: what would have been routed if the model chose otherwise. It is a trace over a trace: rows are rewritten as they are
// read, so nothing is copied and variants can be stacked in any order.
import { createHash } from 'node:crypto';
import type { Parameters, ParameterTable } from '../../base/parameters.js';
import { allocateChunk, type RoutingTrace, type TraceChunk } from '../trace.js';

/** Column of a trace that a variant cannot do without. */
export type VariantNeed = 'weights' | 'tokenIds';

/** What a variant is applied with. */
interface VariantContext {
  /** As the user wrote it, for messages, e.g. `top-p=0.9`. */
  readonly spec: string;
  /** Seed of what is drawn: the run's. */
  readonly seed: number;
  /** Experts of each layer: the model's where one is known, else as the trace shows. */
  readonly experts: readonly number[];
  /** Choices of a token at each layer: the model's top-k where one is known, else the trace's width. */
  readonly choices: readonly number[];
}

/** One member of the family. */
export interface Variant {
  readonly name: string;
  /** One line: what it does. */
  readonly summary: string;
  /** Paper that it is taken from. */
  readonly cites: string;
  readonly parameters: ParameterTable;
  /** The parameter that `name=value` sets; null: it has none. */
  readonly main: string | null;
  /** Columns that it reads, for these parameters. */
  needs(parameters: Parameters): readonly VariantNeed[];
  /**
   * The change that it makes to a trace that has what it needs.
   * @throws UserError where parameters contradict each other or the trace
   */
  change(trace: RoutingTrace, parameters: Parameters, context: VariantContext): RoutingChange;
}

/** How rows change; what is left out stays as in the trace below. */
export interface RoutingChange {
  /** Experts of each layer afterwards; its length is the number of layers. */
  readonly expertsPerLayer?: readonly number[];
  /** Width of a row per layer afterwards. */
  readonly topK?: number;
  /** False: gate weights belong to choices that are no longer made. */
  readonly weights?: false;
  /** False: the same of recorded predictions. */
  readonly predicted?: false;
  /** True: the routing is no longer what a model chose. */
  readonly synthetic?: true;
  /**
   * Writes `experts`, and `weights` where `into` has them, of all `source.tokens` rows; other columns are copied already.
   * @param start trace row of `source`'s row 0
   */
  rewrite(source: TraceChunk, into: TraceChunk, start: number): void;
}

/** A trace whose rows are rewritten as they are read. It owns the trace below. */
export class VariantTrace implements RoutingTrace {
  readonly path: string;
  readonly tokens: number;
  readonly layers: number;
  readonly topK: number;
  readonly expertsPerLayer: readonly number[];
  readonly requests: RoutingTrace['requests'];
  readonly meta: RoutingTrace['meta'];
  readonly has: RoutingTrace['has'];
  readonly #below: RoutingTrace;
  readonly #change: RoutingChange;
  readonly #identity: string;
  #source: TraceChunk;
  #rows = 0;

  /**
   * @param identity all that the change depends on, as text: part of the hash
   * @param label how the variant is named in the trace's notes
   */
  constructor(below: RoutingTrace, change: RoutingChange, identity: string, label: string) {
    const { expertBytes, notes } = below.meta;
    this.path = below.path;
    this.tokens = below.tokens;
    this.expertsPerLayer = change.expertsPerLayer ?? below.expertsPerLayer;
    this.layers = this.expertsPerLayer.length;
    this.topK = change.topK ?? below.topK;
    this.requests = below.requests;
    this.meta = {
      ...below.meta,
      synthetic: below.meta.synthetic || change.synthetic === true,
      expertBytes: this.layers === below.layers ? expertBytes : null,
      notes: { ...notes, variants: notes.variants === undefined ? label : `${notes.variants} ${label}` },
    };
    this.has = {
      ...below.has,
      weights: below.has.weights && change.weights !== false,
      predictedK: change.predicted === false ? 0 : below.has.predictedK,
    };
    this.#below = below;
    this.#change = change;
    this.#identity = identity;
    this.#source = allocateChunk(below, 0);
  }

  read(start: number, count: number, into: TraceChunk): void {
    if (this.#rows < count) {
      this.#source = allocateChunk(this.#below, count);
      this.#rows = count;
    }
    const source = this.#source;
    this.#below.read(start, count, source);
    into.tokens = count;
    into.request.set(source.request.subarray(0, count));
    into.position.set(source.position.subarray(0, count));
    into.phase.set(source.phase.subarray(0, count));
    if (into.tokenId !== null && source.tokenId !== null) into.tokenId.set(source.tokenId.subarray(0, count));
    if (into.predicted !== null && this.has.predictedK > 0)
      into.predicted.set(source.predicted!.subarray(0, count * this.layers * this.has.predictedK));
    this.#change.rewrite(source, into, start);
  }

  sha256(): string {
    return createHash('sha256').update(`${this.#below.sha256()} ${this.#identity}`).digest('hex');
  }

  close(): void {
    this.#below.close();
  }
}
