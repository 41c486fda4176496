// Warnings, which affect how to read the figures.
import type { Result } from '../../../result/result.js';
import { html } from '../../page/markup.js';
import type { Section } from '../../page/pieces.js';
import { summarizeResult } from '../../summary/summary.js';

/** Warnings. */
export const warningsSection: Section<Result> = {
  id: 'warnings',
  title: 'Warnings',
  draw(result) {
    const { warnings } = summarizeResult(result);
    if (warnings.length === 0) return null;
    return {
      about: null,
      content: html`<ul class="warnings">${warnings.map(({ code, message }) => html`<li><b>${code}</b> ${message}</li>`)}</ul>`,
    };
  },
};
