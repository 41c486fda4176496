// Every metric of the catalogue and every warning of the sources has its two paragraphs, and no paragraph speaks of nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../src/result/catalogue.js';
import { TOPICS, topicOf } from '../../src/result/explanations/index.js';
import { METRIC_TOPICS } from '../../src/result/explanations/metrics.js';
import { WARNING_TOPICS } from '../../src/result/explanations/warnings.js';

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
      const topics = METRIC_TOPICS.filter(({ names }) =>
        names.some((known) => (known.endsWith('.*') ? `${name}.`.startsWith(`${known.slice(0, -2)}.`) : known === name)),
      );
      expect(topics.length, `${name} (see src/result/explanations/metrics.ts)`).toBe(1);
      expect(topicOf(name), name).toBe(topics[0]);
    }
  });

  it('speak of no metric that is not in the catalogue', () => {
    for (const known of METRIC_TOPICS.flatMap(({ names }) => names)) {
      const family = known.replace(/\.\*$/, '');
      expect(
        [...METRICS.keys()].some((name) => name === family || (known.endsWith('.*') && name.startsWith(`${family}.`))),
        known,
      ).toBe(true);
    }
  });

  it('cover every warning that the sources give', () => {
    expect(codes).toContain('below-token-cycle');
    const explained = WARNING_TOPICS.flatMap(({ names }) => names);
    expect(
      [...codes].filter((code) => !explained.includes(code)),
      'see src/result/explanations/warnings.ts',
    ).toEqual([]);
  });

  it('are two paragraphs of a few sentences', () => {
    for (const { names, what, reading } of TOPICS) {
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
