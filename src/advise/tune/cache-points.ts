// Settings of an engine's expert cache by size and CPU share, and the best fixed placement.
import { UserError } from '../../base/errors.js';
import type { HardwareSpec } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import { cacheMebibytes, isAllOnGpu, isFit, type Setting, type Speeds, slotRange, wordsOf, wrapped } from '../../runtime/door.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { answered, bestAnswer } from '../advise.js';
import { type AdviceWishes, basisOf, type MachineFinder, withQuestion } from '../ask.js';
import { commandOf, shellOf } from '../command.js';
import { loadOf } from '../fit.js';
import { type Priced, Pricer } from '../price.js';
import { drivenBy, type Question } from '../question.js';
import { pinnedQuestion, strategiesOf } from '../search.js';
import { knobShares, waitedShares } from '../sure.js';
import { unmapped } from '../what-if.js';
import type { TuneBasis, TunePoint } from './points.js';

/** Sizes as shares of the largest cache that fits, ours; CPU shares of misses, as the engine's tuning script. */
const [SIZES, CPU_SHARES] = [
  [1, 0.75, 0.5, 0.25],
  [0, 0.5, 0.8, 0.95],
];

/** Most tokens that warm a replayed cache, and as many counted; ours. */
const MOST_WARMING = 384;
/** Fewest tokens of a record; ours. */
export const LEAST_RECORDED = 64;

/** A setting with or without the cache. */
export interface CachePoint extends TunePoint {
  /** MiB of the cache; 0: none. */
  readonly mebibytes: number;
  readonly cpuShare: number;
}

/** Decode speed of a point over a record. */
export interface ReplayedPoint {
  /** Tokens/s. */
  readonly decode: number;
  readonly hitRate: number;
  /** Shares of its time by `KNOBS`. */
  readonly shares: readonly number[];
}

/** Fixed placement first, then the largest cache. */
export interface CacheBasis extends TuneBasis {
  readonly points: readonly CachePoint[];
  /** Predicted speeds of the first two points on drawn routing. */
  readonly predicted: readonly [fixed: Speeds, cached: Speeds];
  /** Profile of the runtime that drives the machine. */
  readonly driven: string;
  /** Variable that names the file of the engine's record. */
  readonly variable: string;
  /** Replays a record under points on a machine whose knobs are moved. @param steps logarithms of times, by `KNOBS` */
  replayed(record: RoutingTrace, points: readonly CachePoint[], steps: readonly number[]): Promise<ReplayedPoint[]>;
}

/** The machine under a runtime's profile with moved knobs. @param steps logarithms of times, by `KNOBS` */
type TurnedMachine = (profile: string, steps: readonly number[]) => HardwareSpec;

/** The engine. */
interface Running {
  readonly found: MachineFinder;
  readonly turned: TurnedMachine;
  /** Command before flags. */
  readonly command: string;
}

/** Settings of a cache to compare. @throws UserError if nothing fits, without a recorded cache, or for several users */
export async function withCacheBasis<T>(
  name: string,
  { command, found, turned }: Running,
  wishes: AdviceWishes,
  then: (basis: CacheBasis) => Promise<T>,
): Promise<T> {
  return withQuestion(name, await basisOf(found, wishes), wishes, async (asked) => {
    const cache = recordedCache(asked);
    const { answer: fixed, question } = await answered(asked, (question) => bestAnswer({ ...question, slots: 0 }));
    if (fixed === null || fixed.setting.fromDisk)
      throw new UserError(`--tune: ${name} does not fit in the memory of ${asked.hardware.name}, and is not loaded; see moeprof advise`);
    if (isAllOnGpu(fixed.setting))
      throw new UserError(
        `--tune: ${name} fits the GPU whole, and a cache holds nothing more; take the benchmark of ${asked.runtime.name}`,
      );
    const { kv, quantization } = fixed.setting;
    const largest = (await strategiesOf(question, quantization, kv)).find(({ setting }) => setting.cache === cache.system);
    if (largest === undefined) throw new UserError(`--tune: no cache of ${name} fits beside its other weights on ${asked.hardware.name}`);
    const pinned = pinnedQuestion(question);
    const caches = settingsOf(largest, cache).filter((setting) => isFit(loadOf(pinned, largest.model, setting).devices));
    const points = [pointOf(question, command, fixed), ...caches.map((setting) => pointOf(pinned, command, { ...largest, setting }))];
    const { file, goal, hardware, notes, request, runtime } = question;
    return then({
      ...{ model: name, quantization: fixed.model.quantization, machine: hardware.name, runtime: runtime.name },
      ...{ file, goal, request, notes, points },
      predicted: [fixed.price, largest.price],
      driven: drivenBy(question),
      variable: cache.variable,
      replayed: (record, some, steps) => replayed(question, fixed.model, turned(drivenBy(question), steps), record, some),
    });
  });
}

function recordedCache({ runtime, users }: Question) {
  const found = runtime.caches.find(({ recorded }) => recorded !== undefined);
  if (found?.recorded === undefined) throw new UserError(`--tune: ${runtime.name} records no routing of a cache; leave out --runtime`);
  if (users > 1) throw new UserError(`--tune: runs one conversation; leave out --users ${users}`);
  return { system: found.system, ...found.recorded };
}

/** The largest cache first, then smaller ones, each with every share. */
function settingsOf({ model, setting }: Priced, { shared, system }: ReturnType<typeof recordedCache>): Setting[] {
  const [least] = slotRange(model.layers);
  const slots = [...new Set(SIZES.map((size) => Math.max(least, Math.round(size * setting.slots!))))];
  return slots.flatMap((count) =>
    CPU_SHARES.map((share) => ({
      ...setting,
      slots: count,
      ...(share === 0 ? { cache: system } : { cache: shared, cpuShare: share }),
    })),
  );
}

function pointOf(question: Question, command: string, { model, setting }: Pick<Priced, 'model' | 'setting'>): CachePoint {
  const { runtime } = question;
  const loaded = loadOf(question, model, setting);
  const { uses } = commandOf(question, { ...loaded, model, setting });
  const others = uses.filter(([flag]) => !MODEL.includes(flag));
  const { cpuShare = 0, slots } = setting;
  const mebibytes = cacheMebibytes(model, setting);
  const along = slots === null ? [] : [Math.log2(slots), cpuShare];
  return {
    ...{ setting, devices: loaded.devices, mebibytes, cpuShare },
    flags: others.flatMap(([flag, value]) => (value === null ? [flag] : [flag, `${value}`])),
    line: wrapped([[command], ...wordsOf(runtime.dialect.grammar, [], others, shellOf(question)).slice(1)], shellOf(question)),
    // Prompts bypass the cache.
    along: { decode: along, prefill: [slots === null ? 1 : 0] },
  };
}

/** Flags of the model, which the command names. */
const MODEL: readonly string[] = ['-m', '-hf', '--no-mmproj'];

async function replayed(
  { drafting, mapped, request }: Question,
  model: ModelSpec,
  machine: HardwareSpec,
  record: RoutingTrace,
  points: readonly CachePoint[],
): Promise<ReplayedPoint[]> {
  const pricer = new Pricer(record, request, drafting, {}, Math.min(MOST_WARMING, (record.tokens - 2) >> 1));
  const found: ReplayedPoint[] = [];
  for (const { setting } of points) {
    const hardware = setting.cache !== null || mapped !== undefined ? unmapped(machine) : machine;
    const running = { model, hardware, setting, cached: null };
    const { decode, hitRate } = await pricer.cached(running);
    found.push({ decode, hitRate, shares: knobShares(waitedShares(await pricer.waits(running), decode)) });
  }
  return found;
}
