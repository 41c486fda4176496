// Fates of prefetches in both runs.
import { html } from '../../../report/html/markup.js';
import type { Section } from '../../../report/html/pieces.js';
import { fateBar } from '../../../report/html/sections/prefetch.js';
import type { Comparison } from '../../compare.js';
import { beside, sidesOf } from './sides.js';

/** Prefetches. */
export const prefetchCompared: Section<Comparison> = {
  id: 'prefetch',
  title: 'Prefetches',
  draw(comparison) {
    if (sidesOf(comparison).every(({ result }) => fateBar(result) === null)) return null;
    return {
      about: null,
      content: beside(comparison, ({ result }) => fateBar(result) ?? html`<p class="about">This run prefetches nothing.</p>`),
    };
  },
};
