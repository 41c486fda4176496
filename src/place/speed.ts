// What a placement is worth in tokens a second: the same rows on the same machine with it, without it, and with caches of the same bytes.
import type { Override } from '../base/yaml.js';
import { openInputs } from '../engine/inputs/inputs.js';
import { simulateInputs } from '../engine/simulate.js';
import type { ModelSpec } from '../model/door.js';
import type { Result } from '../result/result.js';
import type { RunSpec } from '../system/door.js';
import type { Popularity } from '../trace/popularity.js';
import { residentBytes } from './residents.js';

/** The way whose worth is computed. */
const PLACED = 'this placement';

/** The run of a placement, with some values replaced. */
export type RunWith = (overrides: readonly Override[]) => RunSpec;

/** Values of a run by their paths. */
export const overridesFor = (values: Readonly<Record<string, unknown>>): Override[] =>
  Object.entries(values).map(([path, value]) => ({ path: path.split('.'), value, label: 'place' }));

/** Experts stay, and the CPU computes the others: whole layers, the last ones first, unless a policy decides. */
const FIXED = { name: 'fixed', cache: { policy: 'static:by=layer' }, onMiss: 'cpu' };

/** Caches as engines have them: misses are loaded, or the CPU computes them while what is missed again moves in (docs/systems.md). */
const CACHES = {
  'LRU cache': { name: 'lru', cache: { policy: 'lru' }, onMiss: 'load' },
  'cache by frequency': { name: 'frequency', cache: { policy: 'frequency-classes:halfLife=128' }, onMiss: 'load' },
  'hot cache, CPU for misses': {
    name: 'hot',
    cache: { policy: 'lfu-decay:halfLife=128,hysteresis=0.25' },
    onMiss: { do: 'cpu', admit: 'background', after: 2 },
  },
} as const;

/** Bytes for experts that dense weights and KV cache leave of a machine. */
export const expertRoom = async (runWith: RunWith, breathe: () => Promise<void>): Promise<number> =>
  (await run(runWith(overridesFor({ system: FIXED, bounds: false })), undefined, breathe)).metrics['memory.gpu.expert_cache']!.value;

/** Prices placements of equal bytes under one runtime (L26). @param slots by layer @param counted ranks @param warm served before; null: cold */
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

async function run(spec: RunSpec, counted: Popularity | undefined, breathe: () => Promise<void>): Promise<Result> {
  const inputs = await openInputs(spec, { breathe });
  try {
    return await simulateInputs(counted === undefined ? inputs : { ...inputs, counted }, spec, { breathe });
  } finally {
    for (const trace of inputs.traces) trace.close();
  }
}

/** One way to use the bytes. */
function wayOf(name: string, { accuracy, metrics }: Result) {
  const value = (metric: string): number | null => metrics[metric]?.value ?? null;
  return {
    name,
    /** Share of demanded experts that were resident, while decoding. */
    hitRate: value('cache.hit_rate.decode') ?? value('cache.hit_rate') ?? 0,
    /** Tokens/s; null: nothing was decoded. */
    decode: value('speed.decode'),
    /** Factors within which 80 % of comparable measurements lie; null: there is none. */
    band: accuracy?.decode ?? null,
    /** GPU memory that is set aside, bytes. */
    gpuBytes: value('memory.gpu.allocated') ?? 0,
  };
}
