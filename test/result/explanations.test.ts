// Every metric of the catalogue and every warning of the sources has its two paragraphs, and no paragraph speaks of nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../src/result/catalogue.js';
import { allTopics, explanations, topicOf } from '../../src/result/explanations.js';

const source = resolve(import.meta.dirname, '../../src');

/** Codes of warnings in the sources: `code: 'kebab-case'`. */
const codes = new Set(
  readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readFileSync(join(source, file), 'utf8').matchAll(/\bcode: '([a-z]+(?:-[a-z]+)+)'/g)])
    .map((match) => match[1]!),
);

describe('explanations', () => {
  it('cover every metric exactly once', () => {
    for (const name of METRICS.keys()) {
      const topics = explanations().metrics.filter(({ names }) =>
        names.some((known) => (known.endsWith('.*') ? `${name}.`.startsWith(`${known.slice(0, -2)}.`) : known === name)),
      );
      expect(topics.length, `${name} (see profiles/explanations.yaml)`).toBe(1);
      expect(topicOf(name), name).toBe(topics[0]);
    }
  });

  it('speak of no metric that is not in the catalogue', () => {
    for (const known of explanations().metrics.flatMap(({ names }) => names)) {
      const family = known.replace(/\.\*$/, '');
      expect(
        [...METRICS.keys()].some((name) => name === family || (known.endsWith('.*') && name.startsWith(`${family}.`))),
        known,
      ).toBe(true);
    }
  });

  it('cover every warning that the sources give', () => {
    expect(codes).toContain('below-token-cycle');
    const explained = explanations().warnings.flatMap(({ names }) => names);
    expect(
      [...codes].filter((code) => !explained.includes(code)),
      'see profiles/explanations.yaml',
    ).toEqual([]);
  });

  it('are two paragraphs of a few sentences', () => {
    for (const { names, what, reading } of allTopics()) {
      for (const paragraph of [what, reading]) {
        expect(paragraph, names[0]).toMatch(/^[A-Z].*[.]$/);
        expect(paragraph.length, names[0]).toBeGreaterThan(150);
        expect(paragraph.length, names[0]).toBeLessThan(700);
      }
    }
  });

  it('are found by the name of a family, and not by a part of a name', () => {
    expect(topicOf('latency.tpot')).toBe(topicOf('latency.tpot.p50'));
    expect(topicOf('cache.hit')).toBeNull();
    expect(topicOf('constructor')).toBeNull();
  });
});
