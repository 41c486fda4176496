// Axis order of a rank-3 array; a wrong order gives plausible nonsense.
import { UserError } from '../../base/errors.js';
import type { AxisOrder, Expected } from './format.js';

/** Maximum number of layers; a longer axis is tokens. */
export const MOST_LAYERS = 256;

/** Minimum ratio of overlap along tokens to overlap along layers; real models have 1.4 to 5. */
const OVERLAP_RATIO = 1.15;

const ORDERS: readonly AxisOrder[] = ['tlk', 'tkl', 'ltk'];

/** Sizes of the axes under an order, and strides in elements. */
export function axesOf(shape: readonly number[], order: AxisOrder) {
  const [t, l, k] = ['t', 'l', 'k'].map((axis) => order.indexOf(axis)) as [number, number, number];
  const steps = [shape[1]! * shape[2]!, shape[2]!, 1];
  const stride = { token: steps[t]!, layer: steps[l]!, choice: steps[k]! };
  return { tokens: shape[t]!, layers: shape[l]!, topK: shape[k]!, stride };
}

/** Axis order of an array. @param known layers and top-k @param asked by the user @throws UserError */
export function axisOrderOf(
  place: string,
  shape: readonly number[],
  known: Pick<Expected, 'layers' | 'topK'>,
  asked: AxisOrder | undefined,
  sample: ArrayLike<number>,
): AxisOrder {
  const fits = (order: AxisOrder): boolean => {
    const { layers, topK } = axesOf(shape, order);
    if (known.layers !== null && known.layers !== layers && known.layers !== layers - denseLayersIn(shape, order, sample)) return false;
    if (known.topK !== null && known.topK !== topK) return false;
    return layers <= MOST_LAYERS && distinct(shape, order, sample);
  };
  if (asked !== undefined) return asked;
  let possible = ORDERS.filter(fits);
  if (possible.includes('tlk') && possible.includes('ltk')) {
    // Neighbouring tokens share experts; neighbouring layers share only numbers.
    const [first, second] = [overlapAlong(0, shape, sample), overlapAlong(1, shape, sample)];
    if (first > OVERLAP_RATIO * second) possible = possible.filter((order) => order !== 'ltk');
    else if (second > OVERLAP_RATIO * first) possible = possible.filter((order) => order !== 'tlk');
  }
  if (possible.length === 1) return possible[0]!;
  const text = `shape [${shape.join(', ')}]`;
  const about = known.layers === null ? '' : ` of a model with ${known.layers} MoE layers`;
  if (possible.length === 0)
    throw new UserError(
      `${place}: ${text} is no array of choices${about}: no axis order gives distinct experts per token; is it the right model?`,
    );
  throw new UserError(
    `${place}: ${text} may be ${possible.map((order) => `[${[...order].join(', ')}]`).join(' or ')} (t tokens, l layers, k choices); name the model with --model`,
  );
}

/** True if no token repeats an expert at a layer, as under a wrong axis. */
function distinct(shape: readonly number[], order: AxisOrder, sample: ArrayLike<number>): boolean {
  const { tokens, layers, topK, stride } = axesOf(shape, order);
  const last = (topK - 1) * stride.choice;
  const seen = new Set<number>();
  for (let token = 0; token < tokens; token++) {
    for (let layer = 0; layer < layers; layer++) {
      const from = token * stride.token + layer * stride.layer;
      if (from + last >= sample.length) break;
      seen.clear();
      let choices = 0;
      let zeros = 0;
      for (let k = 0; k < topK; k++) {
        const id = sample[from + k * stride.choice]!;
        if (id < 0 || id === 0xffff) continue;
        choices++;
        if (id === 0) zeros++;
        seen.add(id);
      }
      // All zeros mean a dense layer, not a wrong axis.
      if (seen.size < choices && zeros < choices) return false;
    }
  }
  return true;
}

function overlapAlong(axis: 0 | 1, shape: readonly number[], sample: ArrayLike<number>): number {
  const [rows, columns, topK] = shape as [number, number, number];
  const step = axis === 0 ? columns * topK : topK;
  let shared = 0;
  let pairs = 0;
  for (let row = 0; row < rows - (axis === 0 ? 1 : 0); row++) {
    for (let column = 0; column < columns - (axis === 1 ? 1 : 0); column++) {
      const from = (row * columns + column) * topK;
      if (from + step + topK > sample.length) break;
      pairs++;
      for (let k = 0; k < topK; k++) {
        for (let other = 0; other < topK; other++) {
          if (sample[from + k] === sample[from + step + other]) {
            shared++;
            break;
          }
        }
      }
    }
  }
  return pairs === 0 ? 0 : shared / (pairs * topK);
}

/** Number of all-zero layers. */
export function denseLayersIn(shape: readonly number[], order: AxisOrder, sample: ArrayLike<number>): number {
  const { tokens, layers, topK, stride } = axesOf(shape, order);
  let dense = 0;
  for (let layer = 0; layer < layers && topK > 1; layer++) {
    let zero = true;
    for (let token = 0; token < tokens && zero; token++) {
      const from = token * stride.token + layer * stride.layer;
      for (let k = 0; k < topK && zero; k++) zero = (sample[from + k * stride.choice] ?? 0) === 0;
    }
    if (zero) dense++;
  }
  return dense;
}
