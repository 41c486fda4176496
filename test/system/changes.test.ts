// What a system changes is told from what it is, not from who changed it.
import { describe, expect, it } from 'vitest';
import { simulate, simulateRun } from '../../src/engine/simulate.js';
import { changedParts } from '../../src/report/words.js';
import { fingerprintOf } from '../../src/study/fingerprint.js';
import { systemChanges } from '../../src/system/changes.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';

const set = (path: string, value: unknown) => ({ path: path.split('.'), value, label: '--set' });
const changes = (input: RunInput, overrides: Parameters<typeof checkRun>[2] = []) =>
  systemChanges(checkRun(input, 'test', overrides).system);

describe('changes of a system', () => {
  it('are the values that the bundled one has not', () => {
    expect(changes({ system: 'fiddler' })).toEqual([]);
    expect(changes({ system: 'fiddler' }, [set('system.cache.policy', 's3-fifo:small=0.2'), set('system.cache.scope', 'layer')])).toEqual([
      { path: 'cache.policy', value: 's3-fifo:small=0.2' },
      { path: 'cache.scope', value: 'layer' },
    ]);
    expect(changes({ system: 'promoe' }, [set('system.predictor', 'none')]).map(({ path }) => path)).toContain('predictor.kind');
  });

  it('are none where a value that is set is its own, or no such system is bundled', () => {
    expect(changes({ system: 'on-demand-lru' }, [set('system.cache.policy', 'lru')])).toEqual([]);
    expect(changes({ system: { name: 'mine', cache: { policy: 'lfu' } } })).toEqual([]);
    expect(changes({ system: { name: './mine' } })).toEqual([]);
  });

  it('are the same for two runs of one fingerprint, however they were told', async () => {
    const common = { trace: 'mini-mixtral-8x8l#0:40', memory: { expertCache: '25%' }, bounds: false, audit: 'off' } as const;
    const byFlag = checkRun({ ...common, system: 'on-demand-lru' }, 'test', [set('system.cache.policy', 'lfu')]);
    const inPlace = checkRun({ ...common, system: { name: 'on-demand-lru', cache: { policy: 'lfu' } } }, 'test');
    expect(fingerprintOf(inPlace)).toBe(fingerprintOf(byFlag));
    const [one, other] = [await simulateRun(byFlag), await simulateRun(inPlace)];
    expect(one.config.overrides).toEqual(other.config.overrides);
    expect(changedParts(one)).toBe(' with lfu');
    expect(changedParts(await simulate(common))).toBe('');
  });
});
