// What carries the change, as --explain tells it.
import { html } from '../../../report/html/markup.js';
import type { Section } from '../../../report/html/pieces.js';
import type { Comparison } from '../../compare.js';
import { explanationLines } from '../words.js';

/** Causes. */
export const causesCompared: Section<Comparison> = {
  id: 'causes',
  title: 'What carries the change',
  draw({ explanation }) {
    if (explanation === null) return null;
    const groups: { label: string; texts: string[] }[] = [];
    for (const [label, text] of explanationLines(explanation)) {
      if (label === '') groups.at(-1)!.texts.push(text);
      else groups.push({ label, texts: [text] });
    }
    return {
      about: null,
      content: html`<dl class="causes">${groups.map(
        ({ label, texts }) => html`<div><dt>${label}</dt>${texts.map((text) => html`<dd>${text}</dd>`)}</div>`,
      )}</dl>`,
    };
  },
};
