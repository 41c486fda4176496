// Parts of a machine that a run took since nobody gave them, in words: they stand below the title, since all figures depend on them.
import type { Result } from '../../result/result.js';
import { printable } from '../format.js';
import type { Line } from './document.js';

/** Code of the warnings that name such a part, one each. */
export const STAND_IN = 'machine-stand-in';
/** Most lines: CPU, memory and PCIe of one machine. */
const MOST = 3;

/** Sentences on the parts that runs took, each once; a single one on all of them if there are more than one machine's. */
export function standInTexts(results: readonly Pick<Result, 'warnings'>[]): string[] {
  const taken = results.flatMap(({ warnings }) =>
    warnings.filter(({ code }) => code === STAND_IN).map(({ message }) => printable(message)),
  );
  const texts = [...new Set(taken)];
  return texts.length > MOST ? ['Of these machines not all parts were given: a usual CPU, its memory or PCIe was taken.'] : texts;
}

/** {@link standInTexts} as lines below the title of a document; empty if all parts were given. */
export function standInLead(results: readonly Pick<Result, 'warnings'>[]): Line[] {
  return standInTexts(results).map((text) => ({ text, tone: 'caution' }));
}
