import type { Override } from '../base/yaml.js';
import { openInputs } from '../engine/inputs/inputs.js';
import { simulateInputs } from '../engine/simulate.js';
import type { ModelSpec } from '../model/door.js';
import { metricValue } from '../result/catalogue.js';
import type { MetricName } from '../result/metrics.js';
import type { RunFigures } from '../result/result.js';
import type { RunSpec } from '../system/door.js';
import type { Popularity } from '../trace/popularity.js';
import { residentBytes } from './residents.js';

const PLACED = 'this placement';

/** Run of a placement with replaced values. */
export type RunWith = (overrides: readonly Override[]) => RunSpec;

/** Overrides by dotted path. */
export const overridesFor = (values: Readonly<Record<string, unknown>>): Override[] =>
  Object.entries(values).map(([path, value]) => ({ path: path.split('.'), value, label: 'place' }));

/** Static experts, misses on the CPU; by default whole layers, the last first. */
const FIXED = { name: 'fixed', cache: { policy: 'static:by=layer' }, onMiss: 'cpu' };

/** Caches of engines: misses load, or run on the CPU while repeated misses move in (docs/systems.md). */
const CACHES = {
  'LRU cache': { name: 'lru', cache: { policy: 'lru' }, onMiss: 'load' },
  'cache by frequency': { name: 'frequency', cache: { policy: 'llama-moe-cache' }, onMiss: 'load' },
  'hot cache, CPU for misses': {
    name: 'hot',
    cache: { policy: 'lfu-decay:halfLife=128,hysteresis=0.25' },
    onMiss: { do: 'cpu', admit: 'background', after: 2 },
  },
} as const;

/** Bytes that dense weights and KV cache leave for experts. */
export const expertRoom = async (runWith: RunWith, breathe: () => Promise<void>): Promise<number> =>
  metricValue(await run(runWith(overridesFor({ system: FIXED, bounds: false })), undefined, breathe), 'memory.gpu.expert_cache')!;

/** Prices of equal bytes under a runtime (L26). @param warm trace served before; null: cold */
export async function waysOf(
  runWith: RunWith,
  model: ModelSpec,
  slots: readonly number[],
  counted: Popularity,
  warm: string | null,
  breathe: () => Promise<void>,
) {
  const sized = { bounds: false, 'memory.expertCache': `${residentBytes(model, slots)}B` };
  const chosen = (by: string) => ({
    system: { ...FIXED, cache: { policy: `static:by=${by}`, scope: 'layer', quotas: slots, popularity: counted.path } },
    ...sized,
  });
  const fixed = {
    [PLACED]: chosen('popularity'),
    'any experts': chosen('id'),
    'the last layers': { system: FIXED, ...sized },
    'no experts': { system: FIXED, bounds: false, 'memory.expertCache': '0B' },
  };
  const ways = [];
  const caches = Object.entries(CACHES).map(([name, system]) => {
    return [name, { system: warm === null ? system : { ...system, cache: { ...system.cache, warm } }, ...sized }] as const;
  });
  for (const [name, values] of [...Object.entries(fixed), ...caches])
    ways.push(wayOf(name, await run(runWith(overridesFor(values)), name === PLACED ? counted : undefined, breathe)));
  return ways;
}

async function run(spec: RunSpec, counted: Popularity | undefined, breathe: () => Promise<void>): Promise<RunFigures> {
  const inputs = await openInputs(spec, { breathe });
  try {
    return await simulateInputs(counted === undefined ? inputs : { ...inputs, counted }, spec, { breathe });
  } finally {
    for (const trace of inputs.traces) trace.close();
  }
}

function wayOf(name: string, { accuracy, metrics }: RunFigures) {
  const value = (name: MetricName): number | null => metricValue({ metrics }, name);
  return {
    name,
    hitRate: value('cache.hit_rate.decode') ?? value('cache.hit_rate') ?? 0,
    /** Tokens/s; null: no decoding. */
    decode: value('speed.decode'),
    /** Factors that hold 80 % of comparable measurements; null: no comparable measurement. */
    band: accuracy?.decode ?? null,
    gpuBytes: value('memory.gpu.allocated') ?? 0,
  };
}
