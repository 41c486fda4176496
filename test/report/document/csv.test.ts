// Documents as CSV: bare values, one table whatever the document holds.
import { describe, expect, it } from 'vitest';
import { renderCsv, toCsv } from '../../../src/report/document/csv.js';
import { type Grid, grid } from '../../../src/report/document/document.js';
import { sample } from './sample.js';

const shares = grid(
  ['lru', 'lfu'],
  [
    { head: 'Hit rate', of: (row) => row },
    { head: 'at 25 %', of: () => ({ value: 0.123456789, text: '12 %' }) },
    { head: 'of / all', of: (row) => (row === 'lru' ? null : 2) },
  ],
);

describe('a document as CSV', () => {
  it('is its only grid, with bare values under names without blanks', () => {
    expect(renderCsv(sample)).toBe(
      'policy,cache_bytes,hit_rate,seed,why\nlru,1073741824,0.5,7,\n"a|b, ""c""",1610612736,0.8125,7,ran first\n',
    );
    expect(renderCsv({ blocks: [shares] })).toBe('hit_rate,at_25,of_all\nlru,0.123456789,\nlfu,0.123456789,2\n');
  });

  it('is one long table where there are several grids', () => {
    const brief: Grid = { ...shares, title: 'brief', detail: 'brief' };
    const two = grid(
      [[1, 'a']],
      [
        { head: 'layer', of: (row) => row[0] },
        { head: 'expert', of: (row) => row[1] },
        { head: 'n', of: () => 3 },
      ],
      {
        keys: 2,
        title: 'experts',
        detail: 'verbose',
      },
    );
    expect(renderCsv({ blocks: [shares, brief, two] })).toBe(
      [
        'table,row,column,value',
        'Hit rate,lru,at_25,0.123456789',
        'Hit rate,lru,of_all,',
        'Hit rate,lfu,at_25,0.123456789',
        'Hit rate,lfu,of_all,2',
        'experts,1 a,n,3\n',
      ].join('\n'),
    );
  });

  it('is its records where it has some', () => {
    const records = grid([1, 2], [{ head: 'latency.tpot.p50', of: (row) => row }]);
    expect(renderCsv({ blocks: [shares], records })).toBe('latency.tpot.p50\n1\n2\n');
  });

  it('has no formula: figures stay, texts that look like one get an apostrophe', () => {
    expect(toCsv([['=1+1', '+1', '@x', '-2+3', '-', 'a=b', -5]])).toBe("'=1+1,'+1,'@x,'-2+3,-,a=b,-5\n");
  });

  it('quotes what would break a row', () => {
    expect(toCsv([['a,b', 'c"d', 'e\nf', 1.5, null]])).toBe('"a,b","c""d",e f,1.5,\n');
  });
});
