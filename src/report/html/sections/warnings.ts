import type { Result } from '../../../result/result.js';
import { html, type Markup } from '../../page/markup.js';
import type { Section } from '../../page/pieces.js';
import { summarizeResult } from '../../summary/summary.js';

/** Warnings as a list. */
export function warningList(warnings: Result['warnings']): Markup {
  return html`<ul class="warnings">${warnings.map(({ code, message }) => html`<li><b>${code}</b> ${message}</li>`)}</ul>`;
}

/** Warnings on how to read the figures. */
export const warningsSection: Section<Result> = {
  id: 'warnings',
  title: 'Warnings',
  draw(result) {
    const { warnings } = summarizeResult(result);
    return warnings.length === 0 ? null : { about: null, content: warningList(warnings) };
  },
};
