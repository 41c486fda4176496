// L32: work that a file or a number asks for is bounded; past the limit there is one line.
import { describe, expect, it } from 'vitest';
import { LIMITS, Meter } from '../../src/base/meter.js';

describe('L32: a meter', () => {
  it('adds up, and refuses the first unit past its limit', () => {
    const meter = new Meter('a.json', LIMITS.lists);
    meter.spent(3_999_999);
    meter.spent(1);
    expect(() => meter.spent(1)).toThrow(/^a\.json: asks for more than 4,000,000 lists and objects; write JSON lines, one record a line$/);
    expect(() => meter.spent(0)).toThrow(/^a\.json: asks/);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])('refuses %d at once', (units) => {
    expect(() => new Meter('--prompt', { most: 7, unit: 'tokens', instead: 'take fewer' }).spent(units)).toThrow(
      /^--prompt: asks for more than 7 tokens; take fewer$/,
    );
  });

  it('has a limit for each kind of work, and a request', () => {
    for (const { instead, most, unit } of Object.values(LIMITS)) {
      expect(most).toBeGreaterThan(1000);
      expect(unit).toMatch(/s\b/);
      expect(instead).not.toMatch(/\.$/);
    }
  });
});
