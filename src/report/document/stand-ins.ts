import type { Result } from '../../result/result.js';
import { printable } from '../format.js';
import type { Line } from './document.js';

/** Warning code of an assumed part. */
export const STAND_IN = 'machine-stand-in';
/** Most lines: CPU, memory and PCIe of a machine. */
const MOST = 3;

/** Distinct sentences on assumed parts, or a single sentence for several machines. */
export function standInTexts(results: readonly Pick<Result, 'warnings'>[]): string[] {
  const taken = results.flatMap(({ warnings }) =>
    warnings.filter(({ code }) => code === STAND_IN).map(({ message }) => printable(message)),
  );
  const texts = [...new Set(taken)];
  return texts.length > MOST ? ['Of these machines not all parts were given: a usual CPU, its memory or PCIe was taken.'] : texts;
}

/** {@link standInTexts} as lead lines. */
export function standInLead(results: readonly Pick<Result, 'warnings'>[]): Line[] {
  return standInTexts(results).map((text) => ({ text, tone: 'caution' }));
}
