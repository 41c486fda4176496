import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { BEFORE_PASS, type Evidence, evenShare, NEXT_TOKEN } from '../evidence.js';
import { either, type Predictor, type PredictorContext } from '../predictor.js';
import type { TensorShape } from './contract.js';
import { PathFeatures } from './features.js';
import type { SyncSession } from './session.js';
import type { SharedTensor } from './session-worker.js';

/** Steps per unit of probability, coarser than arithmetic differences between CPUs. */
const RESOLUTION = 2 ** 20;

/** Runs a trained model over passes. */
export abstract class ModelPredictor<Input extends string = string> implements Predictor {
  calls = 0;
  protected predicted = 0;
  protected readonly path: string;
  protected readonly context: PredictorContext;
  protected readonly inputs: readonly Input[];
  protected readonly features: PathFeatures;
  protected tensors = new Map<string, SharedTensor>();
  #capacity = 0;
  #wallMs = 0;
  readonly #session: SyncSession;

  constructor(path: string, session: SyncSession, context: PredictorContext, inputs: readonly Input[]) {
    this.path = path;
    this.#session = session;
    this.context = context;
    this.inputs = inputs;
    this.features = new PathFeatures(context.model, context.slots);
  }

  /** Logits after layer `after` of a pass, `[tokens, experts]`. */
  abstract logits(pass: Pass, after: number): Float32Array;

  protected abstract readonly outputs: readonly string[];

  /** Sizes known only at run time have names. */
  protected abstract shapeOf(name: string): TensorShape;

  observe(pass: Pass, layer: number): void {
    if (layer === this.context.model.layers.length - 1) this.features.record(pass);
  }

  /** A batch demands an expert if any token does; tokens count as independent. */
  predict(pass: Pass, after: number, horizon: number, scores: Float32Array): void {
    const { experts: width, layers } = this.context.model;
    const logits = this.logits(pass, after);
    const last = Math.min(layers.length - 1, after + horizon);
    for (let layer = after + 1; layer <= last; layer++) {
      const { experts, offset } = layers[layer]!;
      scores.fill(0, offset, offset + experts);
      for (let token = 0; token < pass.tokens; token++) {
        const row = token * width;
        for (let id = offset; id < offset + experts; id++) {
          const probability = Math.round(RESOLUTION / (1 + Math.exp(-logits[row + id]!))) / RESOLUTION;
          scores[id] = either(scores[id]!, probability);
        }
      }
    }
  }

  /** Measured wall time of the model, apart from reproducible figures. */
  measured(): Readonly<Record<string, number>> {
    if (this.predicted === 0) return {};
    return {
      'predict.calls': this.calls,
      'predict.wall_ns_per_call': Math.round((this.#wallMs * 1e6) / this.calls),
      'predict.wall_ns_per_token': Math.round((this.#wallMs * 1e6) / this.predicted),
    };
  }

  close(): void {
    this.#session.close();
  }

  protected reserve(tokens: number): void {
    if (tokens <= this.#capacity) return;
    this.#capacity = Math.max(tokens, this.context.slots, 2 * this.#capacity);
    const inputs = this.inputs.map((name) => this.#tensor(name));
    const outputs = this.outputs.map((name) => this.#tensor(name));
    this.tensors = new Map([...inputs, ...outputs].map((tensor) => [tensor.name, tensor]));
    this.#session.bind({ inputs, outputs });
  }

  #tensor(name: string): SharedTensor {
    const { shape, type } = this.shapeOf(name);
    const fixed = shape.filter((size) => typeof size === 'number');
    const elements = fixed.reduce((product, size) => product * size, fixed.length < shape.length ? this.#capacity : 1);
    const data =
      type === 'int64' ? new BigInt64Array(new SharedArrayBuffer(8 * elements)) : new Float32Array(new SharedArrayBuffer(4 * elements));
    return { name, data, shape: shape.map((size) => (typeof size === 'number' ? size : size === 'S' ? -2 : -1)) };
  }

  /** Runs the model on filled tensors of `rows` rows of `steps` steps. */
  protected run(rows: number, steps = 1): void {
    const before = performance.now();
    this.#session.run(rows, steps);
    this.#wallMs += performance.now() - before;
  }
}

/** Steps per unit of logits, coarser than arithmetic differences between CPUs. */
const LOGIT_STEPS = 1024;

/** A network's logits before the pass, relative to an even share; none for training traces, which may be memorised. */
export function onnxEvidence(model: ModelSpec, source: ModelPredictor): Evidence {
  return {
    add(pass, token, after, layer, weight, into) {
      if (after === NEXT_TOKEN || pass.request[token]! < 0) return false;
      const logits = source.logits(pass, BEFORE_PASS);
      const { experts, offset } = model.layers[layer]!;
      const share = evenShare(model.layers[layer]!);
      const even = Math.log(share / (1 - share));
      const from = token * model.experts + offset;
      for (let e = 0; e < experts; e++) into[e]! += weight * (Math.round(LOGIT_STEPS * logits[from + e]!) / LOGIT_STEPS - even);
      return true;
    },
    learn(pass, token, layer) {
      if (token === pass.tokens - 1 && pass.request[token]! >= 0) source.observe(pass, layer);
    },
    runs: () => source.calls,
    measured: () => source.measured(),
    close: () => source.close(),
  };
}
