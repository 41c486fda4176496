// Column maps: by usual names, and as users write them.
import { describe, expect, it } from 'vitest';
import { parseColumns, usualColumns } from '../../../src/trace/formats/columns.js';

describe('usualColumns', () => {
  it('finds names in any case and takes the most telling one', () => {
    expect(usualColumns(['Layer', 'position', 'token', 'expert_id', 'probs'])).toEqual({
      layer: 'Layer',
      experts: 'expert_id',
      token: 'position',
      weights: 'probs',
    });
  });

  it('is null without layer or experts', () => {
    expect(usualColumns(['layer', 'token'])).toBeNull();
    expect(usualColumns(['experts', 'token'])).toBeNull();
  });
});

describe('parseColumns', () => {
  it('reads a map', () => {
    expect(parseColumns('layer=blk, experts=sel,tokenId=tid')).toEqual({ layer: 'blk', experts: 'sel', tokenId: 'tid' });
  });

  it.each([
    ['layer', /--trace-columns: "layer" is not column=name/],
    ['layer=a=b,experts=c', /"layer=a=b" is not column=name/],
    ['layer=,experts=c', /is not column=name/],
    ['layer=a,expert=c', /column "expert" is unknown; did you mean "experts"/],
    ['layer=a,layer=b,experts=c', /layer is given twice/],
    ['layer=a,token=b', /experts is missing/],
  ])('refuses %s', (text, message) => {
    expect(() => parseColumns(text)).toThrow(message);
  });
});
