import { UserError } from '../../base/errors.js';
import { formatBytes, formatNumber } from '../../base/units.js';
import type { Quantization } from './rule.js';

/** Bytes and weights of a file. */
export interface FileWeights {
  readonly bytes: number;
  readonly parameters: number;
}

/** Allowed share beyond a rule's range (ours): stated sizes are rounded, and files hold a tokenizer. */
const TOLERANCE = 0.01;

/** Relative precision of a met size, and the most tried mixtures; ours. */
const CLOSE = 1e-9;
const MOST_LOOKS = 60;

/**
 * Moves a quantization to the stated file size: halving, then regula falsi. @param measure size under a quantization
 * @throws UserError: out of reach
 */
export function fitToSize(quantization: Quantization, measure: (one: Quantization) => FileWeights): Quantization {
  const { size, range, name } = quantization;
  if (size === undefined) return quantization;
  const unchanged = measure(quantization);
  const target = 'bytes' in size ? size.bytes : (size.bits * unchanged.parameters) / 8;
  const at = (by: number): number => (by === 0 ? unchanged.bytes : measure(quantization.moved(by)).bytes);
  const moved = (by: number): Quantization => ({ ...quantization.moved(by), name });
  let [low, high] = target < unchanged.bytes ? [range[0], 0] : [0, range[1]];
  let [least, most] = [at(low), at(high)];
  if (target <= least || target >= most) {
    const nearest = target <= least ? { by: low, bytes: least } : { by: high, bytes: most };
    if (Math.abs(target / nearest.bytes - 1) > TOLERANCE) throw outOfReach(name, target, measure, quantization);
    return moved(nearest.by);
  }
  for (let looks = 0; looks < MOST_LOOKS && most - least > CLOSE * target; looks++) {
    const middle = high - low > 1 ? Math.floor((low + high) / 2) : low + ((high - low) * (target - least)) / (most - least);
    const bytes = at(middle);
    if (Math.abs(bytes - target) <= CLOSE * target) return moved(middle);
    if (bytes < target) [low, least] = [middle, bytes];
    else [high, most] = [middle, bytes];
  }
  return moved(low + ((high - low) * (target - least)) / (most - least));
}

function outOfReach(name: string, target: number, measure: (one: Quantization) => FileWeights, quantization: Quantization): UserError {
  const [least, most] = quantization.range.map((by) => {
    const { bytes, parameters } = measure(quantization.moved(by));
    return `${formatBytes(bytes)} (${formatNumber((bytes * 8) / parameters, 2)} bits per weight)`;
  });
  return new UserError(
    `quantization "${name}": its formats do not make a file of ${formatBytes(target)}; this model has from ${least} to ${most}`,
  );
}
