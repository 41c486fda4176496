// A predictor whose model reads token ids in order (contract.ts). It is asked once before each pass for all of its tokens. A token of a
// prompt sees the tokens before it in the prompt; decoding continues from the state of its request.

import { UserError } from '../../../base/errors.js';
import type { Pass } from '../../../schedule/door.js';
import type { PredictorContext } from '../../predictor.js';
import { OUTPUT_NAME } from '../contract.js';
import { PathFeatures } from '../features.js';
import type { LogitSource } from '../onnx-evidence.js';
import type { SyncSession } from '../session.js';
import type { SharedTensor } from '../session-worker.js';
import { unionOf, wallTimes } from '../union.js';
import {
  checkSequenceContract,
  KNOWN,
  NEXT_STATE,
  SEQUENCE,
  SEQUENCE_OUTPUTS,
  type SequenceInput,
  type SequenceSignature,
  STATE,
  sequenceTensorOf,
} from './contract.js';
import { type Continuation, KeptStates } from './kept-states.js';

/** Tokens of one call at most: a longer prompt goes through in parts, each with the state of the one before. */
const CALL_TOKENS = 256;

/** Tokens of one request in a pass. */
interface Segment {
  /** First token in the pass, and how many. */
  readonly token: number;
  readonly tokens: number;
  readonly from: Continuation;
  /** The input: tokens that its state missed, then the tokens. */
  readonly ids: readonly number[];
  state: Float32Array;
}

/** Runs a model of sequences over the passes. */
export class SequencePredictor implements LogitSource {
  calls = 0;
  readonly #path: string;
  readonly #context: PredictorContext;
  readonly #session: SyncSession;
  readonly #signature: SequenceSignature;
  readonly #features: PathFeatures;
  readonly #states: KeptStates;
  /** Tensors that the model reads and writes, for a given number of rows x steps. */
  #capacity = 0;
  #tensors = new Map<string, SharedTensor>();
  /** `[tokens, experts]` of the pass that was asked last. */
  #logits = new Float32Array(0);
  #pass = -1;
  #tokens = 0;
  #wallMs = 0;

  /** @throws UserError where the model does not keep the contract */
  constructor(path: string, session: SyncSession, context: PredictorContext) {
    this.#path = path;
    this.#session = session;
    this.#context = context;
    this.#signature = checkSequenceContract(path, session.inputs, session.outputs, context.model.experts);
    this.#features = new PathFeatures(context.model, context.slots);
    this.#states = new KeptStates(this.#signature.state);
  }

  observe(pass: Pass, layer: number): void {
    if (this.#knows && layer === this.#context.model.layers.length - 1) this.#features.record(pass);
  }

  predict(pass: Pass, after: number, horizon: number, scores: Float32Array): void {
    const last = Math.min(this.#context.model.layers.length - 1, after + horizon);
    unionOf(this.logits(pass), pass.tokens, this.#context.model, after, last, scores);
  }

  logits(pass: Pass): Float32Array {
    if (this.#pass !== pass.number) {
      this.#read(pass);
      this.#pass = pass.number;
    }
    return this.#logits;
  }

  /** Wall time that the model took: measured, so it belongs where two runs may differ. */
  measured(): Readonly<Record<string, number>> {
    return wallTimes(this.calls, this.#tokens, this.#wallMs);
  }

  close(): void {
    this.#session.close();
  }

  /** The model asks for what is known of earlier tokens. */
  get #knows(): boolean {
    return this.#signature.inputs.includes('history') || this.#signature.inputs.includes('history_slow');
  }

  /** Calls the model: once for all requests with one token to read, and once or more for each of the others. */
  #read(pass: Pass): void {
    const { experts } = this.#context.model;
    if (this.#logits.length < pass.tokens * experts) this.#logits = new Float32Array(pass.tokens * experts);
    const segments = this.#segmentsOf(pass);
    const single = segments.filter(({ ids }) => ids.length === 1);
    if (single.length > 0) this.#call(pass, single, 0, 1);
    for (const segment of segments) {
      if (segment.ids.length === 1) continue;
      for (let step = 0; step < segment.ids.length; step += CALL_TOKENS) {
        this.#call(pass, [segment], step, Math.min(CALL_TOKENS, segment.ids.length - step));
      }
    }
    for (const { from, ids, state, token } of segments) {
      this.#states.keep(pass.slot[token]!, pass.request[token]!, pass.position[token]!, from, ids.slice(from.missed.length), state);
    }
    this.calls++;
    this.#tokens += pass.tokens;
  }

  #segmentsOf({ position, request, slot, tokenId, tokens: all }: Pass): Segment[] {
    if (tokenId === null) {
      throw new UserError(`${this.#path}: reads token ids, and the trace carries none; take a predictor that does without`);
    }
    const segments: Segment[] = [];
    for (let token = 0, end = 0; token < all; token = end) {
      while (end < all && request[end] === request[token]) end++;
      const from = this.#states.at(slot[token]!, request[token]!, position[token]!);
      segments.push({
        token,
        tokens: end - token,
        from,
        ids: [...from.missed, ...tokenId.subarray(token, end)],
        state: from.state.slice(),
      });
    }
    return segments;
  }

  /** Steps `[step, step + steps)` of segments, beside one another. */
  #call(pass: Pass, segments: readonly Segment[], step: number, steps: number): void {
    const { experts } = this.#context.model;
    if (segments.length * steps > this.#capacity) this.#allocate(segments.length * steps);
    const floats = (name: string): Float32Array => this.#tensors.get(name)!.data as Float32Array;
    const sequence = this.#tensors.get(SEQUENCE)!.data as BigInt64Array;
    const { state: width } = this.#signature;
    segments.forEach(({ ids, state }, row) => {
      for (let i = 0; i < steps; i++) sequence[row * steps + i] = BigInt(ids[step + i]!);
      floats(STATE).set(state, row * width);
    });
    this.#fillPast(pass, segments, step, steps);
    const before = performance.now();
    this.#session.run(segments.length, steps);
    this.#wallMs += performance.now() - before;
    segments.forEach(({ from, state, token }, row) => {
      state.set(floats(NEXT_STATE).subarray(row * width, (row + 1) * width));
      for (let i = Math.max(0, from.missed.length - step); i < steps; i++) {
        const to = (token + step + i - from.missed.length) * experts;
        this.#logits.set(floats(OUTPUT_NAME).subarray((row * steps + i) * experts, (row * steps + i + 1) * experts), to);
      }
    });
  }

  /** Histories are known before the first token of a request in a pass; what the others come after runs in the same pass. */
  #fillPast(pass: Pass, segments: readonly Segment[], step: number, steps: number): void {
    const { experts } = this.#context.model;
    for (const name of this.#signature.inputs) {
      if (name === SEQUENCE || name === STATE) continue;
      const data = this.#tensors.get(name)!.data as Float32Array;
      const width = name === KNOWN ? 1 : experts;
      data.fill(0, 0, segments.length * steps * width);
      segments.forEach(({ from, token }, row) => {
        const first = from.missed.length - step;
        if (first < 0 || first >= steps) return;
        const to = (row * steps + first) * width;
        if (name === KNOWN) data[to] = 1;
        else this.#features.historyOf(pass, token, name === 'history_slow', data, to);
      });
    }
  }

  #allocate(tokens: number): void {
    this.#capacity = Math.max(tokens, this.#context.slots, 2 * this.#capacity);
    const { experts } = this.#context.model;
    const tensor = (name: SequenceInput | (typeof SEQUENCE_OUTPUTS)[number]): SharedTensor => {
      const { shape, type } = sequenceTensorOf(name, experts, this.#signature.state);
      const elements = shape.reduce<number>((product, size) => product * (typeof size === 'number' ? size : 1), this.#capacity);
      const data =
        type === 'int64' ? new BigInt64Array(new SharedArrayBuffer(8 * elements)) : new Float32Array(new SharedArrayBuffer(4 * elements));
      return { name, data, shape: shape.map((size) => (typeof size === 'number' ? size : size === 'B' ? -1 : -2)) };
    };
    const inputs = this.#signature.inputs.map(tensor);
    const outputs = SEQUENCE_OUTPUTS.map(tensor);
    this.#tensors = new Map([...inputs, ...outputs].map((one) => [one.name, one]));
    this.#session.bind({ inputs, outputs });
  }
}
