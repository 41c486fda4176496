// Provenance and warnings of both runs.

import { provenanceOf } from '../../../report/html/sections/provenance.js';
import { html, type Piece } from '../../../report/page/markup.js';
import { type Section, table } from '../../../report/page/pieces.js';
import type { Comparison } from '../../compare.js';
import { sidesOf } from './sides.js';

/** Warnings, configurations, provenance. */
export const provenanceCompared: Section<Comparison> = {
  id: 'provenance',
  title: 'Warnings, configuration, provenance',
  draw(comparison) {
    const sides = sidesOf(comparison);
    const facts = sides.map(({ result }) => {
      const texts = new Map<string, string>();
      for (const [what, which] of provenanceOf(result)) texts.set(what, [texts.get(what) ?? [], which].flat().join('; '));
      return texts;
    });
    const names = [...new Set(facts.flatMap((texts) => [...texts.keys()]))];
    const warnings = sides.map(
      ({ label, result }): Piece =>
        result.warnings.length > 0 &&
        html`<h3>${label}</h3><ul class="warnings">${result.warnings.map(({ code, message }) => html`<li><b>${code}</b> ${message}</li>`)}</ul>`,
    );
    return {
      about: null,
      content: html`${warnings}${sides.map(
        ({ label, result }) =>
          html`<details><summary>Configuration of ${label}</summary><pre tabindex="0">${JSON.stringify(result.config, null, 2)}</pre></details>`,
      )}<details open><summary>Provenance</summary>${table(
        'Provenance',
        ['what', 'base', 'candidate'],
        names.map((name) => [name, ...facts.map((texts) => texts.get(name) ?? '')]),
        [0, 1, 2],
      )}</details>`,
    };
  },
};
