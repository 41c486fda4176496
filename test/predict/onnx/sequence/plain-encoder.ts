// The encoder of token ids once more, plainly: what docs/extend.md says, token after token.
import type { ModelSpec } from '../../../../src/model/spec.js';
import type { EncoderOptions } from '../../../../src/predict/onnx/sequence/encoder.js';

type Weights = ReadonlyMap<string, Float32Array>;

/** x . w + b, w [x.length, n]. */
function dense(x: readonly number[], w: Float32Array, b: ArrayLike<number> | null): number[] {
  const size = w.length / x.length;
  return Array.from({ length: size }, (_, column) =>
    x.reduce((sum, value, row) => sum + value * w[row * size + column]!, b?.[column] ?? 0),
  );
}

function norm(x: readonly number[], scale: Float32Array): number[] {
  const size = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + 1e-6);
  return x.map((value, i) => (value / size) * scale[i]!);
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const relu = (x: readonly number[]): number[] => x.map((value) => Math.max(0, value));
const sum = (a: readonly number[], b: ArrayLike<number>): number[] => a.map((value, i) => value + b[i]!);

/** Logits of every token, and the state after the last. */
export function plainEncoder(
  weights: Weights,
  { blocks, history, table, tokenRows, width }: EncoderOptions,
  layers: ModelSpec['layers'],
  ids: readonly number[],
  known: readonly number[],
  past: { readonly fast: Float32Array; readonly slow: Float32Array },
  start: ArrayLike<number>,
): { logits: number[][]; state: number[] } {
  const w = (name: string): Float32Array => weights.get(name)!;
  const experts = layers.reduce((all, layer) => all + layer.experts, 0);
  const state = Array.from(start);
  const logits = ids.map((id, t) => {
    const row = id % tokenRows;
    const token = Array.from(w('token').slice(row * table, (row + 1) * table), (value) => value * 16);
    let x = dense(token, w('token.in'), null);
    for (let block = 0; block < blocks; block++) {
      const part = (name: string): Float32Array => w(`block.${block}.${name}`);
      const h = state.slice(block * width, (block + 1) * width);
      const fromX = dense(norm(x, part('gru.norm')), part('gru.input'), part('gru.input_bias'));
      const fromH = dense(h, part('gru.recurrent'), part('gru.recurrent_bias'));
      for (let i = 0; i < width; i++) {
        const update = sigmoid(fromX[i]! + fromH[i]!);
        const reset = sigmoid(fromX[width + i]! + fromH[width + i]!);
        const fresh = Math.tanh(fromX[2 * width + i]! + reset * fromH[2 * width + i]!);
        state[block * width + i] = (1 - update) * fresh + update * h[i]!;
      }
      x = sum(x, state.slice(block * width, (block + 1) * width));
      x = sum(x, dense(relu(dense(norm(x, part('inside.norm')), part('inside'), part('inside_bias'))), part('outside'), null));
    }
    const fast = past.fast.slice(t * experts, (t + 1) * experts);
    const slow = past.slow.slice(t * experts, (t + 1) * experts);
    const last = Array.from(fast, (value) => (value >= 1 ? known[t]! : 0));
    const read = [...norm(x, w('heads.norm')), ...token, ...(history ? dense(last, w('last'), null) : [])];
    const heads = relu(dense(read, w('heads'), w('heads.bias')));
    const size = heads.length / layers.length;
    const said = layers.flatMap((_, layer) => dense(heads.slice(layer * size, (layer + 1) * size), w(`output.${layer}`), null));
    const direct = dense(read, w('output.direct'), null);
    return said.map((value, e) => {
      const lately =
        w('output.fast')[e]! * Math.log(fast[e]! + 0.02) + w('output.slow')[e]! * Math.log(0.02 * slow[e]! + 0.005) + w('output.known')[e]!;
      return value + direct[e]! + w('output.bias')[e]! + (history ? known[t]! * lately : 0);
    });
  });
  return { logits, state };
}
