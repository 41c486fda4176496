// Pages read easily: Flesch's reading ease of README and docs is 60 or more, which is plain English, and none falls behind what it has reached.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readingEase } from '../../scripts/reading-ease.mjs';

const root = new URL('../../', import.meta.url);
const pages = ['README.md', ...readdirSync(new URL('docs', root)).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : []))];

/** Plain English, by Flesch; and what every page has, from which none shall fall. */
const PLAIN = 60;
const REACHED = 70;

describe('reading ease', () => {
  it('is Flesch’s, counted by hand', () => {
    // 6 words of one syllable in one sentence: 206.835 - 6.09 - 84.6.
    expect(readingEase('The cat sat on the mat.').ease).toBeCloseTo(116.145, 3);
    // 10 words, 2 sentences, 15 syllables: pre-dic-tions, mod-els, rou-ting, ma-chines.
    expect(readingEase('Predictions are made for models. They need routing and machines.')).toMatchObject({ words: 10, sentence: 5 });
    expect(readingEase('Predictions are made for models. They need routing and machines.').syllables).toBeCloseTo(1.5, 5);
  });

  it('looks at prose alone', () => {
    const page =
      '# Extraordinary headings\n\n| table | of |\n|---|---|\n\n    moeprof run\n\n```\ncode\n```\n\nA [link](x.md) to `code`.\n';
    expect(readingEase(page)).toMatchObject({ words: 3, sentence: 3, syllables: 1 });
  });

  it.each(pages)('of %s is that of plain English', (path) => {
    const { ease } = readingEase(readFileSync(new URL(path, root), 'utf8'));
    expect(ease).toBeGreaterThanOrEqual(path === 'README.md' ? PLAIN : REACHED);
  });
});

it('pages are at most 28', () => {
  expect(pages.length - 1).toBeLessThanOrEqual(28);
});
