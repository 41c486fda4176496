// Capacities of a curve in words: bytes, or numbers of experts where nothing says how large one is.
import { formatBytes, formatCount } from '../base/units.js';
import type { Curve } from './curve-result.js';

/** A capacity of a curve: `1.20 GiB`, or `384 experts`. */
export function capacityText({ inputs }: Pick<Curve, 'inputs'>, capacity: number): string {
  return inputs.unit === 'experts' ? `${formatCount(capacity)} experts` : formatBytes(capacity);
}
