import { UserError } from '../../../base/errors.js';
import { textOf } from '../../../base/host/bytes.js';
import { resolve } from '../../../base/host/paths.js';
import { withInput } from '../../../base/input-file.js';
import type { Pass } from '../../../schedule/door.js';
import { chunks } from '../../../trace/trace.js';
import type { PredictionCost } from '../../cost.js';
import { COST, type PredictorContext, type PredictorDefinition } from '../../predictor.js';
import { checkContract, INPUT_NAMES, type InputName, OUTPUT_NAME, type TensorShape, tensorOf } from '../contract.js';
import { ModelPredictor } from '../model-predictor.js';
import { PRODUCTS, SEQUENCE } from '../sequence/contract.js';
import { SequencePredictor } from '../sequence/sequence-predictor.js';
import { SyncSession } from '../session.js';

/** Time of a call, ns: {@link networkCost}. */
const CALL_NS = 33e3;
/** Time per weight read, ns. */
const WEIGHT_NS = 0.094;
/** Time per weight and token multiplied, ns. */
const PRODUCT_NS = 0.056;

/** Time of a call of a sequence model, ns: more and smaller operators. */
const SEQUENCE_CALL_NS = 125e3;
/** As {@link WEIGHT_NS}, for sequence models, per multiplied weight. */
const SEQUENCE_WEIGHT_NS = 0.3;
/** As {@link PRODUCT_NS}, for sequence models. */
const SEQUENCE_PRODUCT_NS = 0.038;

class OnnxPredictor extends ModelPredictor<InputName> {
  protected readonly outputs = [OUTPUT_NAME];
  /** Pass and layer of the logits. */
  #pass = -1;
  #after = -1;

  /** Only `popularity` counts training traces. @throws UserError if the model breaks the contract */
  constructor(path: string, session: SyncSession, context: PredictorContext) {
    super(path, session, context, checkContract(path, session.inputs, session.outputs, context.model.experts));
    if (this.inputs.includes('popularity')) this.#countTraining();
  }

  logits(pass: Pass, after: number): Float32Array {
    if (this.#pass !== pass.number || (this.inputs.includes('observed') && this.#after !== after)) {
      this.reserve(pass.tokens);
      for (const name of this.inputs) this.#fill(name, pass, after);
      this.run(pass.tokens);
      this.calls++;
      if (after < 0) this.predicted += pass.tokens;
      this.#pass = pass.number;
      this.#after = after;
    }
    return this.tensors.get(OUTPUT_NAME)!.data as Float32Array;
  }

  protected shapeOf(name: InputName | typeof OUTPUT_NAME): TensorShape {
    return tensorOf(name, this.context.model.experts);
  }

  #fill(name: InputName, pass: Pass, after: number): void {
    const { data } = this.tensors.get(name)!;
    if (data instanceof Float32Array) {
      if (name === 'popularity') this.features.popularity(data);
      else if (name === 'observed') this.features.observed(pass, after, data);
      else this.features.history(pass, name === 'history_slow', data);
      return;
    }
    const column = name === 'position' ? pass.position : pass.tokenId;
    if (column === null)
      throw new UserError(`${this.path}: asks for token_id, and the trace carries no token ids; take a predictor that does without`);
    for (let token = 0; token < pass.tokens; token++) data[token] = BigInt(column[token]!);
  }

  #countTraining(): void {
    for (const trace of this.context.training) {
      for (const { experts, tokens } of chunks(trace)) {
        for (let token = 0; token < tokens; token++) this.features.count(experts, token * trace.layers * trace.topK, trace.topK);
      }
    }
  }
}

/** Loads a model of either contract. @throws UserError for any other file */
export async function openOnnx(path: string, context: PredictorContext): Promise<ModelPredictor> {
  const session = await SyncSession.open(path);
  try {
    if (session.inputs.some(({ name }) => name === SEQUENCE)) return new SequencePredictor(path, session, context);
    return new OnnxPredictor(path, session, context);
  } catch (error) {
    session.close();
    throw error;
  }
}

/**
 * Reading weights, and a product of each per token. Fitted on networks of 0.6 to 7.2 M weights, 1 to 32 tokens
 * (bench/prediction-cost.mjs; host: cost.ts), and on encoders of 0.09 to 0.8 M, 1 to 128 tokens. @throws UserError if
 * unreadable
 */
export function networkCost(path: string): PredictionCost {
  const products = Number(onnxMetadata(path).get(PRODUCTS) ?? Number.NaN);
  if (products > 0)
    return {
      callNs: SEQUENCE_CALL_NS + products * SEQUENCE_WEIGHT_NS,
      tokenNs: products * SEQUENCE_PRODUCT_NS,
      expertNs: 0,
      mostTokens: Number.POSITIVE_INFINITY,
    };
  const weights = withInput(path, 'predictor', (file) => file.bytes) / Float32Array.BYTES_PER_ELEMENT;
  return { callNs: CALL_NS + weights * WEIGHT_NS, tokenNs: weights * PRODUCT_NS, expertNs: 0, mostTokens: Number.POSITIVE_INFINITY };
}

/** The predictor in an ONNX file, from `moeprof predict train` or any tool under the contract. */
export const onnx: PredictorDefinition = {
  name: 'onnx',
  summary: `a trained model: any ONNX file that turns ${INPUT_NAMES.join(', ')} into logits`,
  cites: 'routing path predictor of ExpertFlow, arXiv 2410.17954',
  parameters: { file: { default: '', description: 'path of the .onnx file' }, costNs: COST },
  cost: ({ file }, folder) => networkCost(resolve(folder, String(file))),
  create(context, { file }) {
    if (file === '') throw new UserError('predictor onnx: names no file; write onnx:file=predictor.onnx');
    return openOnnx(resolve(context.folder ?? '.', String(file)), context);
  },
};

/** ModelProto's field of metadata (onnx.proto): a message of key (1) and value (2). */
const FACT = 14;
/** Longest head of a part, bytes: two varints. */
const HEAD = 20;
/** Most parts of a file. Ours: above any exporter, so that other files fail soon. */
const MOST_PARTS = 4096;
/** Longest fact, bytes. Ours, likewise. */
const LONGEST_FACT = 65_536;

/** Metadata without reading the graph; empty: no ONNX file. @throws UserError if unreadable */
export function onnxMetadata(path: string): ReadonlyMap<string, string> {
  return withInput(path, 'predictor', (file) => {
    const facts = new Map<string, string>();
    for (let at = 0, parts = 0; at < file.bytes && parts < MOST_PARTS; parts++) {
      const head = file.part(at, Math.min(HEAD, file.bytes - at));
      const part = partOf(head, 0);
      if (part === null) return facts;
      if (part.field === FACT && part.end - part.start <= LONGEST_FACT && at + part.end <= file.bytes) {
        const [key, value] = factOf(file.part(at + part.start, part.end - part.start));
        facts.set(key, value);
      }
      at += part.end;
    }
    return facts;
  });
}

function partOf(bytes: Uint8Array, at: number): { field: number; start: number; end: number } | null {
  const tag = varint(bytes, at);
  if (tag === null) return null;
  const value = varint(bytes, tag.end);
  if (value === null) return null;
  const field = Math.floor(tag.value / 8);
  const wire = tag.value % 8;
  if (wire === 0) return { field, start: tag.end, end: value.end };
  return wire === 2 ? { field, start: value.end, end: value.end + value.value } : null;
}

function factOf(bytes: Uint8Array): [key: string, value: string] {
  const texts = ['', ''];
  for (let at = 0; at < bytes.length; ) {
    const part = partOf(bytes, at);
    if (part === null) break;
    if (part.field === 1 || part.field === 2) texts[part.field - 1] = textOf(bytes, part.start, part.end);
    at = part.end;
  }
  return texts as [string, string];
}

/** A base-128 number, least digits first; null: no end within 8 bytes. */
function varint(bytes: Uint8Array, at: number): { value: number; end: number } | null {
  let value = 0;
  for (let i = at, scale = 1; i < Math.min(bytes.length, at + 8); i++, scale *= 128) {
    value += (bytes[i]! & 127) * scale;
    if (bytes[i]! < 128) return { value, end: i + 1 };
  }
  return null;
}
