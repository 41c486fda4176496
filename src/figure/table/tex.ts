// Text for TeX: references and tables of papers.
import { visible } from '../../base/text.js';

/** Characters that TeX does not take for text. */
const TEX: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...'%&#_{}$'].map((sign) => [sign, `\\${sign}`])),
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '±': '$\\pm$',
  µ: '$\\mu$',
};

/** A text as TeX source. */
export function tex(text: string): string {
  return visible(text).replace(/[%&#_${}\\~^±µ]/g, (sign) => TEX[sign]!);
}
