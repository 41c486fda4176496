// Hit rates of drawn routing with the range of published ones, in whole percent.
import { describe, expect, it } from 'vitest';
import { hitRangeLead, hitRateOf } from '../../../src/report/document/hit-rates.js';
import { rankingReports } from '../../../src/report/ranking/ranking.js';
import type { Result } from '../../../src/result/result.js';
import { sampleResult } from '../../result/sample.js';

type HitRange = NonNullable<Result['hitRange']>;

const drawn: HitRange = { low: 0.551, high: 0.699, models: 26, routing: 'prior' };
const of = (hitRange?: HitRange, system = 'lru') => ({
  ...sampleResult({ inputs: { system }, metrics: { 'cache.hit_rate': 0.6234 } }),
  ...(hitRange && { hitRange }),
});

describe('the range of a hit rate', () => {
  it('is rounded outwards, so that it holds what it held, and whole percent stay', () => {
    const text = (low: number, high: number) => hitRateOf(0.6234, { hitRange: { ...drawn, low, high } }).text;
    expect([text(0.551, 0.699), text(0.55, 0.7), text(0.0001, 0.9999)]).toEqual(['62.3 % (55-70)', '62.3 % (55-70)', '62.3 % (0-100)']);
  });

  it('stands behind a rate whose routing is drawn, and behind no other', () => {
    expect(hitRateOf(0.6234, of(drawn))).toEqual({ value: 0.6234, text: '62.3 % (55-70)' });
    expect(hitRateOf(0.6234, of())).toEqual({ value: 0.6234, text: '62.3 %' });
    expect(hitRateOf(0.6234, of(drawn), (rate, ranged) => `${rate} ${ranged}`).text).toBe('0.6234 true (55-70)');
  });

  it('has its source above a table, once for each', () => {
    expect(hitRangeLead([of(), of()])).toEqual([]);
    const lead = hitRangeLead([of(drawn), of(drawn), of(), of({ ...drawn, models: 8, routing: 'profile' })]).map(({ text }) => text);
    expect(lead).toHaveLength(2);
    expect(lead[0]).toContain('80 % of published figures (26 models); its profile has no routing');
    expect(lead[1]).toContain('80 % of published figures (8 models); its profile has routing of its own');
  });

  it('is in the table of a ranking, whose values stay numbers', () => {
    const options = { color: false, width: 80, unicode: true, verbose: false };
    const table = rankingReports[0].render([of(drawn), of(drawn, 'lfu')], options);
    expect(table.match(/62 \(55-70\)/g)).toHaveLength(2);
    expect(table).toContain('80 % of published figures');
    for (const line of table.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(rankingReports[0].render([of(), of(undefined, 'lfu')], options)).not.toContain('published figures');
    expect(
      rankingReports[2]
        .render([of(drawn)], options)
        .split('\n')[1]!
        .split(','),
    ).toContain('0.6234');
  });
});
