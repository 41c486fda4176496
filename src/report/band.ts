// The error band of a speed in words, from comparable measurements of real machines.
import { formatNumber } from '../base/units.js';
import type { Accuracy, Result } from '../result/result.js';
import type { Phase } from './phase-time.js';

/** `± 14 %`. */
export function widthText({ halfWidth }: Accuracy): string {
  return `± ${formatNumber(100 * halfWidth)} %`;
}

/** `± 14 % (80 % of 41 comparable measurements)`. @returns null where the machine is calibrated, since its profile holds measured rates */
export function bandText({ accuracy }: Pick<Result, 'accuracy'>, phase: Phase): string | null {
  if (accuracy === undefined) return null;
  const band = accuracy[phase];
  if (band === null) return '(no comparable measurement)';
  const of = band.common === 'all' ? `${band.rows} measurements, none comparable` : `${band.rows} comparable measurements`;
  return `${widthText(band)} (80 % of ${of})`;
}
