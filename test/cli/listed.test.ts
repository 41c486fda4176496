// Lists on the command line: what belongs together stays together.
import { expect, it } from 'vitest';
import { listed } from '../../src/cli/listed.js';

it.each([
  ['lru,arc', ['lru', 'arc']],
  ['lru, s3-fifo:small=0.2,ghost=0.5 ,belady', ['lru', 's3-fifo:small=0.2,ghost=0.5', 'belady']],
  ['./mine.mjs:rate=2,depth=3', ['./mine.mjs:rate=2,depth=3']],
  ['gamma:rate=1,cv=2,poisson:rate=3', ['gamma:rate=1,cv=2', 'poisson:rate=3']],
  // No choice with parameters stands before it.
  ['lru,small=0.2', ['lru', 'small=0.2']],
  ['1,,2', ['1', '', '2']],
])('%j', (text, parts) => {
  expect(listed(text)).toEqual(parts);
});
