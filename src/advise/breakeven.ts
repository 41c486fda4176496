// Hit rate at which an expert cache is as fast as the CPU alone, by engine runs.
import { UserError } from '../base/errors.js';
import { sum } from '../base/statistics.js';
import type { WorkWatch } from '../base/work-watch.js';
import { mostExperts } from '../model/door.js';
import { ALL_ON_GPU, cachedBytes, DEFAULT_RUNTIME, DEFAULT_SYSTEM, freeOf, HOST, PLAIN, runtimeOfProgram } from '../runtime/door.js';
import { type AdviceWishes, basisOf, type MachineFinder, withQuestion } from './ask.js';
import { devicesOf, refuseUsers } from './fit.js';
import type { Price } from './price.js';
import { drivenBy, type Question } from './question.js';
import { pinnedQuestion, strategiesOf } from './search.js';
import { type CacheRatio, cacheRatio } from './sure.js';

/** Formats tried by default, and halvings of the slots before interpolation. Ours. */
const [FORMATS, HALVINGS] = [3, 5];

/** Uses of free GPU memory: none, expert layers, a cache with misses over the link, or on the CPU. */
export const WAYS = ['cpu', 'layers', 'offload', 'hybrid'] as const;
type Way = (typeof WAYS)[number];
type ByWay<W extends Way> = Readonly<Record<W, number | null>>;

/** Worth of caches for a format and a number of users. */
export interface BreakEven {
  readonly quantization: string;
  readonly users: number;
  readonly expertBytes: number;
  /** Experts of each layer that fit on the card. */
  readonly slots: number;
  /** Hit rate at which a cache overtakes the CPU alone; 0: always; null: never. */
  readonly breakEven: ByWay<'offload' | 'hybrid'>;
  /** Hit rate with `slots` slots; null: no slot fits. */
  readonly reached: ByWay<'offload' | 'hybrid'>;
  /** Tokens/s of all users together; null: no slot fits. */
  readonly decode: ByWay<Way>;
  /** Cache of the runtime compared with its best fixed placement; null: the runtime has none. */
  readonly beside: CacheRatio | null;
  /** Fastest way; a cache only if it is surely faster. */
  readonly best: Way;
}

/** Worth of caches on a machine. */
export interface BreakEvens extends Pick<Question, 'notes'> {
  readonly model: string;
  readonly machine: string;
  readonly runtime: string;
  readonly rows: readonly BreakEven[];
}

type Cached = Pick<Price, 'decode' | 'hitRate'>;

/** @throws UserError for an unknown name, a short recording, or no CPU */
export async function breakEvensOn(
  name: string,
  machine: MachineFinder,
  wishes: AdviceWishes,
  by: readonly number[],
  watch?: WorkWatch,
): Promise<BreakEvens> {
  const basis = await basisOf(machine, wishes);
  const { hardware, runtime } = basis;
  if (hardware.cpu === null)
    throw new UserError(`${hardware.name}: has one memory, and no link for a miss to cross; name a card beside a CPU`);
  const named = (program: string, misses: string): string | null => {
    const system = runtimeOfProgram(program).systemOf({ program, as: 'cache', misses });
    return typeof system === 'string' ? system : null;
  };
  const offload = named(runtime.name, 'gpu') ?? 'on-demand-lru';
  const hybrid = named(runtime.name, 'cpu') ?? named(DEFAULT_RUNTIME, 'cpu')!;
  const answer = async (question: Question): Promise<BreakEvens> => {
    refuseUsers(question);
    const { notes, quantizations: offered } = question;
    const few = Array.from({ length: FORMATS }, (_, i) => offered[Math.round((i * (offered.length - 1)) / (FORMATS - 1))]!);
    const rows: BreakEven[] = [];
    for (const format of wishes.quantizations ?? new Set(few))
      for (const count of by) rows.push(await breakEvenOf({ ...pinnedQuestion(question), users: count }, format, offload, hybrid));
    return { model: question.model(null).name, machine: hardware.name, runtime: drivenBy({ hardware, runtime }), rows, notes };
  };
  return withQuestion(name, basis, { ...wishes, users: Math.max(...by) }, answer, watch);
}

async function breakEvenOf(question: Question, quantization: string | null, offload: string, hybrid: string): Promise<BreakEven> {
  const { context, hardware, runtime, users } = question;
  const model = question.model(quantization);
  const [fromDisk, kv, ubatch, cpuMoe] = [false, runtime.kv[0]!, runtime.ubatches[0]!, model.layers.length];
  const inHost = { ...ALL_ON_GPU, ...PLAIN, fromDisk, cpuMoe, quantization, context, users, kv, ubatch };
  const cards = devicesOf(question, model, inHost).filter((device) => device.name !== HOST);
  const free = sum(cards.map((card) => Math.max(0, freeOf(card))));
  const sizes = cachedBytes(model, 1);
  const most = mostExperts(model);
  const slots = Math.min(most, Math.floor(free / sum(sizes)));
  const cached = (cache: string) => (count: number) =>
    question.pricer.cached({ model, hardware, setting: { ...inHost, cache, slots: count }, cached: null });
  // Whole layers take the slots' room; without slots, the CPU computes all.
  const fixed = cached(DEFAULT_SYSTEM);
  const [cpu, whole] = [await fixed(0), await fixed(slots)];
  const offered = await offeredCache(question, quantization, offload);
  const [linked, mixed] = slots === 0 ? [] : [offered?.cache.price ?? (await cached(offload)(slots)), await cached(hybrid)(slots)];
  const layers = offered?.fixed.price.decode ?? whole.decode;
  const decode = { cpu: cpu.decode, layers, offload: linked?.decode ?? null, hybrid: mixed?.decode ?? null };
  const beside = offered === null ? null : cacheRatio(question, offered.cache, offered.fixed);
  const ways = beside === null || beside.verdict === 'sure' ? WAYS : WAYS.filter((way) => way !== 'offload');
  return {
    ...{ quantization: model.quantization, users, slots: offered?.cache.setting.slots ?? slots, decode, beside },
    expertBytes: Math.max(...sizes),
    breakEven: {
      offload: await breakEvenAt(cpu.decode, most, cached(offload)),
      hybrid: await breakEvenAt(cpu.decode, most, cached(hybrid)),
    },
    reached: { offload: linked?.hitRate ?? null, hybrid: mixed?.hitRate ?? null },
    best: ways.reduce((best, way) => ((decode[way] ?? 0) > decode[best]! ? way : best)),
  };
}

/** The runtime's cache, and its best fixed placement; null: no such choice. */
async function offeredCache(question: Question, quantization: string | null, system: string) {
  const found = await strategiesOf(question, quantization, question.runtime.kv[0]!);
  const fixed = found.find(({ setting }) => setting.cache === null);
  const cache = found.find(({ setting }) => setting.cache === system);
  return fixed === undefined || cache === undefined ? null : { fixed, cache };
}

/** Break-even hit rate, by halving the slots. 0: as fast without a slot; null: slower even with `most`. */
export async function breakEvenAt(speed: number, most: number, run: (slots: number) => Promise<Cached>): Promise<number | null> {
  let [slow, fast] = [await run(0), await run(most)];
  if (slow.decode >= speed) return 0;
  if (fast.decode < speed) return null;
  for (let [low, high, left] = [0, most, HALVINGS]; high - low > 1 && left > 0; left--) {
    const middle = (low + high) >> 1;
    const there = await run(middle);
    if (there.decode < speed) [low, slow] = [middle, there];
    else [high, fast] = [middle, there];
  }
  const [from, at, to] = [1 / slow.decode, 1 / speed, 1 / fast.decode];
  return slow.hitRate + ((from - at) / (from - to)) * (fast.hitRate - slow.hitRate);
}
