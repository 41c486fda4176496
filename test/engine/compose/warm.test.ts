// A warm start: caches, counts and predictions are as earlier text left them, and nothing of that text is counted.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import type { RunInput } from '../../../src/system/run.js';

const TRACE = 'mini-mixtral-8x8l';
const base: RunInput = { trace: `${TRACE}#200:260`, model: TRACE, hardware: 't4', memory: { expertCache: '25%' }, audit: 'off' };
const lru = (warm?: number | string): RunInput['system'] => ({ name: 'lru', cache: { policy: 'lru', warm } });

async function metrics(input: Partial<RunInput>): Promise<Record<string, number>> {
  const result = await simulate({ ...base, ...input });
  return Object.fromEntries(Object.entries(result.metrics).map(([name, { value }]) => [name, value]));
}

describe('warm', () => {
  it('begins with what LRU would hold after the same text: hits of both parts add up to those of one run', async () => {
    const hits = async (input: Partial<RunInput>): Promise<number> => (await metrics({ bounds: false, ...input }))['cache.hits']!;
    const whole = await hits({ trace: `${TRACE}#200:260`, system: lru() });
    const first = await hits({ trace: `${TRACE}#200:230`, system: lru() });
    const second = await hits({ trace: `${TRACE}#230:260`, system: lru(`${TRACE}#200:230`) });
    const cold = await hits({ trace: `${TRACE}#230:260`, system: lru() });
    expect(first + second).toBe(whole);
    expect(second).toBeGreaterThan(cold);
  });

  it('counts nothing of the earlier text, and its bound may hit at once', async () => {
    const warm = await metrics({ system: lru(`${TRACE}#140:200`) });
    const cold = await metrics({ system: lru() });
    expect(warm['cache.hits']! + warm['cache.misses']!).toBe(cold['cache.hits']! + cold['cache.misses']!);
    expect(warm['bound.belady.hit_rate']!).toBeGreaterThanOrEqual(cold['bound.belady.hit_rate']!);
    expect(warm['transfer.on_demand.count']).toBe(warm['cache.misses']);
  });

  it('takes tokens before the replayed ones by their number, and says that they are held out', async () => {
    const result = await simulate({ ...base, trace: TRACE, system: lru(100), workload: { tokens: 60, holdOut: '50%' } });
    const heldOut = result.inputs.traces[0]!.heldOut!;
    const rows = { trace: `${TRACE}#${heldOut}:${heldOut + 60}`, system: lru(`${TRACE}#${heldOut - 100}:${heldOut}`) };
    expect(result.metrics['cache.hits']!.value).toBe((await metrics(rows))['cache.hits']);
    expect(result.knowledge?.most).toBe('nothing');
  });

  it('knows the future where it serves what is replayed, or later text', async () => {
    const { knowledge } = await simulate({ ...base, system: lru(`${TRACE}#230:300`) });
    expect(knowledge).toMatchObject({ most: 'future', parts: [{ part: 'cache.warm' }] });
  });

  it.each<[Partial<RunInput>, string]>([
    [{ system: { name: 'x', cache: { policy: 'belady', warm: `${TRACE}#0:100` } } }, 'belady knows the future of the replayed tokens'],
    [{ system: lru(`${TRACE}#0:100`), hardware: '2x-rtx-4090' }, 'is of a machine whose experts live on one GPU'],
    [{ system: lru(0) }, 'system.cache.warm'],
    [{ system: lru('nowhere.safetensors') }, 'nowhere.safetensors'],
  ])('refuses %o', async (input, message) => {
    await expect(simulate({ ...base, ...input })).rejects.toThrow(message);
  });
});

describe('balance', () => {
  it.each<[object, string]>([
    [{ onMiss: [{ do: 'balance', when: { phase: 'decode' } }, 'load'] }, 'no rule stands beside it'],
    [{ onMiss: 'balance', predictor: 'last-token', prefetch: { staging: 4 } }, 'balance shares them; leave it out'],
    [{ onMiss: { do: 'balance', admit: 'never' } }, 'system.onMiss.admit'],
  ])('refuses %o', async (parts, message) => {
    await expect(simulate({ ...base, hardware: 'rtx-4090', system: { name: 'x', ...parts } as RunInput['system'] })).rejects.toThrow(
      message,
    );
  });
});
