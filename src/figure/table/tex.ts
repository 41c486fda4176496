import { byName } from '../../base/objects.js';
import { visible } from '../../base/text.js';

const TEX = byName<string>({
  ...Object.fromEntries([...'%&#_$'].map((sign) => [sign, `\\${sign}`])),
  // BibTeX counts braces even after a backslash.
  '{': '\\textbraceleft{}',
  '}': '\\textbraceright{}',
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '±': '$\\pm$',
  µ: '$\\mu$',
  '×': '$\\times$',
  '−': '$-$',
  '≤': '$\\leq$',
  '≥': '$\\geq$',
  '↑': '$\\uparrow$',
  '→': '$\\rightarrow$',
  '←': '$\\leftarrow$',
  '↓': '$\\downarrow$',
  '…': '\\dots{}',
});

/** Escapes text for TeX. */
export const tex = (text: string): string => visible(text).replace(/[%&#_${}\\~^±µ×−≤≥↑→←↓…]/g, (sign) => TEX[sign]!);
