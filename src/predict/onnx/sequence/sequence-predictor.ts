import { UserError } from '../../../base/errors.js';
import type { Pass } from '../../../schedule/door.js';
import type { PredictorContext } from '../../predictor.js';
import { OUTPUT_NAME, type TensorShape } from '../contract.js';
import { ModelPredictor } from '../model-predictor.js';
import type { SyncSession } from '../session.js';
import {
  checkSequenceContract,
  KNOWN,
  NEXT_STATE,
  SEQUENCE,
  SEQUENCE_OUTPUTS,
  type SequenceInput,
  STATE,
  sequenceTensorOf,
} from './contract.js';
import { type Continuation, KeptStates } from './kept-states.js';

/** Most tokens of a call; longer prompts are cut. Ours. */
const CALL_TOKENS = 256;

interface Segment {
  readonly token: number;
  readonly from: Continuation;
  readonly ids: readonly number[];
  state: Float32Array;
}

/** Runs once per pass, from each request's kept state (contract.ts). */
export class SequencePredictor extends ModelPredictor<SequenceInput> {
  protected readonly outputs = SEQUENCE_OUTPUTS;
  readonly #width: number;
  readonly #states: KeptStates;
  /** `[tokens, experts]` of the last predicted pass. */
  #logits = new Float32Array(0);
  #pass = -1;

  /** @throws UserError if the model breaks the contract */
  constructor(path: string, session: SyncSession, context: PredictorContext) {
    const { inputs, state } = checkSequenceContract(path, session.inputs, session.outputs, context.model.experts);
    super(path, session, context, inputs);
    this.#width = state;
    this.#states = new KeptStates(state);
  }

  /** Records histories only if the model reads histories. */
  override observe(pass: Pass, layer: number): void {
    if (this.inputs.includes('history') || this.inputs.includes('history_slow')) super.observe(pass, layer);
  }

  logits(pass: Pass): Float32Array {
    if (this.#pass !== pass.number) {
      this.#read(pass);
      this.#pass = pass.number;
    }
    return this.#logits;
  }

  protected shapeOf(name: SequenceInput | (typeof SEQUENCE_OUTPUTS)[number]): TensorShape {
    return sequenceTensorOf(name, this.context.model.experts, this.#width);
  }

  #read(pass: Pass): void {
    const { experts } = this.context.model;
    if (this.#logits.length < pass.tokens * experts) this.#logits = new Float32Array(pass.tokens * experts);
    const segments = this.#segmentsOf(pass);
    const single = segments.filter(({ ids }) => ids.length === 1);
    if (single.length > 0) this.#call(pass, single, 0, 1);
    for (const segment of segments) {
      if (segment.ids.length === 1) continue;
      for (let step = 0; step < segment.ids.length; step += CALL_TOKENS)
        this.#call(pass, [segment], step, Math.min(CALL_TOKENS, segment.ids.length - step));
    }
    for (const { from, ids, state, token } of segments)
      this.#states.keep(pass.slot[token]!, pass.request[token]!, pass.position[token]!, from, ids.slice(from.missed.length), state);
    this.calls++;
    this.predicted += pass.tokens;
  }

  #segmentsOf({ position, request, slot, tokenId, tokens: all }: Pass): Segment[] {
    if (tokenId === null)
      throw new UserError(`${this.path}: reads token ids, and the trace carries none; take a predictor that does without`);
    const segments: Segment[] = [];
    for (let token = 0, end = 0; token < all; token = end) {
      while (end < all && request[end] === request[token]) end++;
      const from = this.#states.at(slot[token]!, request[token]!, position[token]!);
      segments.push({ token, from, ids: [...from.missed, ...tokenId.subarray(token, end)], state: from.state.slice() });
    }
    return segments;
  }

  #call(pass: Pass, segments: readonly Segment[], step: number, steps: number): void {
    const { experts } = this.context.model;
    this.reserve(segments.length * steps);
    const floats = (name: string): Float32Array => this.tensors.get(name)!.data as Float32Array;
    const sequence = this.tensors.get(SEQUENCE)!.data as BigInt64Array;
    const width = this.#width;
    segments.forEach(({ ids, state }, row) => {
      for (let i = 0; i < steps; i++) sequence[row * steps + i] = BigInt(ids[step + i]!);
      floats(STATE).set(state, row * width);
    });
    this.#fillPast(pass, segments, step, steps);
    this.run(segments.length, steps);
    segments.forEach(({ from, state, token }, row) => {
      state.set(floats(NEXT_STATE).subarray(row * width, (row + 1) * width));
      for (let i = Math.max(0, from.missed.length - step); i < steps; i++) {
        const to = (token + step + i - from.missed.length) * experts;
        this.#logits.set(floats(OUTPUT_NAME).subarray((row * steps + i) * experts, (row * steps + i + 1) * experts), to);
      }
    });
  }

  /** Only a request's first token in a pass has a known history. */
  #fillPast(pass: Pass, segments: readonly Segment[], step: number, steps: number): void {
    const { experts } = this.context.model;
    for (const name of this.inputs) {
      if (name === SEQUENCE || name === STATE) continue;
      const data = this.tensors.get(name)!.data as Float32Array;
      const width = name === KNOWN ? 1 : experts;
      data.fill(0, 0, segments.length * steps * width);
      segments.forEach(({ from, token }, row) => {
        const first = from.missed.length - step;
        if (first < 0 || first >= steps) return;
        const to = (row * steps + first) * width;
        if (name === KNOWN) data[to] = 1;
        else this.features.historyOf(pass, token, name === 'history_slow', data, to);
      });
    }
  }
}
