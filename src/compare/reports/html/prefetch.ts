// Fates of prefetches in both runs.

import { fateBar } from '../../../report/html/sections/prefetch.js';
import { html } from '../../../report/page/markup.js';
import type { Section } from '../../../report/page/pieces.js';
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
