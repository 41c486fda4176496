// Does an expert cache pay here? The engine runs four ways to use what dense weights leave of a card, and the caches with ever more slots, until
// they are as fast as the CPU alone: the hit rate there is the break-even. No formula stands beside the runs.
import { UserError } from '../base/errors.js';
import { pinnedFor, routingOfPart } from '../engine/inputs/inputs.js';
import { simulateInputs } from '../engine/simulate.js';
import { type HardwareSpec, loadRuntime } from '../hardware/door.js';
import type { ModelSpec } from '../model/door.js';
import { DEFAULT_RUNTIME, runtimeOfProgram } from '../runtime/index.js';
import { freeOf, HOST } from '../runtime/setting/fits.js';
import { ALL_ON_GPU, PLAIN } from '../runtime/setting/setting.js';
import { checkRun, type RunInput } from '../system/door.js';
import { type AdviceWishes, basisOf, type MachineFinder, withQuestion } from './ask.js';
import { asOneGpu, partOf, withoutDisk } from './price.js';
import { devicesOf, type Question } from './search.js';

/** Generated tokens of each user that fill a cache, and as many that count. Ours: twice as many move break-evens by a point at most. */
const TOKENS = 96;
/** Formats that are looked at where none are named, and halvings until a break-even is read off a line. */
const [FORMATS, HALVINGS] = [3, 5];

/** Ways to use the free memory of a card: not at all, whole layers of experts, a cache whose misses cross the link, one whose misses the CPU computes. */
export const WAYS = ['cpu', 'layers', 'offload', 'hybrid'] as const;
type Way = (typeof WAYS)[number];
type ByWay<W extends Way> = Readonly<Record<W, number | null>>;

/** What caches are worth for one format and number of users. */
export interface BreakEven {
  readonly quantization: string;
  readonly users: number;
  /** Bytes of the model's largest expert. */
  readonly expertBytes: number;
  /** Experts of each layer that fit on the card. */
  readonly slots: number;
  /** Hit rate from which on each cache decodes faster than the CPU alone; 0: always; null: not even with every expert. */
  readonly breakEven: ByWay<'offload' | 'hybrid'>;
  /** Hit rates with these slots; null: none fits. */
  readonly reached: ByWay<'offload' | 'hybrid'>;
  /** Decode speed, tokens/s of all users together; null: it takes a slot. */
  readonly decode: ByWay<Way>;
  /** The fastest way. */
  readonly best: Way;
}

/** What caches are worth on a machine. */
export interface BreakEvens extends Pick<Question, 'notes'> {
  readonly model: string;
  readonly machine: string;
  readonly runtime: string;
  readonly rows: readonly BreakEven[];
}

/** A cache's decode speed, tokens/s, and its hit rate, both behind the tokens that fill it. */
type CachedSpeed = Readonly<Record<'speed' | 'hitRate', number>>;

/** A system, and the machine as its runtime drives it. */
type Driven = Pick<RunInput, 'system'> & { readonly hardware: HardwareSpec };

/**
 * The worth of caches for a model on a machine, by format and number of users.
 * @throws UserError where something is unknown, a recording is too short, or no CPU computes beside a card with a memory of its own
 */
export async function breakEvensOn(name: string, machine: MachineFinder, wishes: AdviceWishes, by: readonly number[]): Promise<BreakEvens> {
  const basis = await basisOf(machine, wishes);
  const { hardware, runtime } = basis;
  if (hardware.cpu === null)
    throw new UserError(`${hardware.name}: has one memory, and no link for a miss to cross; name a card beside a CPU`);
  const { cache } = runtimeOfProgram(runtime.name).systems ?? {};
  const hot = cache?.(runtime.name, 'cpu');
  const own = hot === undefined ? undefined : checkRun({ system: hot }, 'breakeven').system.runtime;
  // The exchanges of a bundled hybrid are those of the default runtime; another backend keeps its own.
  const apart = typeof own === 'string' && hardware.software?.runtime === DEFAULT_RUNTIME;
  const lru = { name: 'lru', cache: { policy: 'lru', scope: 'layer' } } as const;
  const offload = { system: cache?.(runtime.name, 'gpu') ?? { ...lru, onMiss: 'load' as const }, hardware };
  const hybrid = {
    system: hot ?? { ...lru, onMiss: { do: 'cpu' as const, admit: 'background' as const } },
    hardware: apart ? (await machine({ ...runtime, profile: loadRuntime(own).name })).hardware : hardware,
  };
  return withQuestion(name, basis, { ...wishes, users: Math.max(...by) }, async (question) => {
    const { notes, quantizations: offered } = question;
    const few = Array.from({ length: FORMATS }, (_, i) => offered[Math.round((i * (offered.length - 1)) / (FORMATS - 1))]!);
    const rows: BreakEven[] = [];
    for (const format of wishes.quantizations ?? new Set(few))
      for (const count of by) rows.push(await breakEvenOf({ ...question, users: count }, format, offload, hybrid));
    return { model: question.model(null).name, machine: hardware.name, runtime: hardware.software?.runtime ?? runtime.name, rows, notes };
  });
}

async function breakEvenOf(question: Question, quantization: string | null, offload: Driven, hybrid: Driven): Promise<BreakEven> {
  const { context, hardware, runtime, users } = question;
  const model = question.model(quantization);
  const layers = model.layers.length;
  const beside = { ...ALL_ON_GPU, ...PLAIN, quantization, context, users, kv: runtime.kv[0]!, ubatch: runtime.ubatches[0]! };
  const cards = devicesOf(question, model, { ...beside, cpuMoe: layers, fromDisk: false }).filter((device) => device.name !== HOST);
  const free = cards.reduce((sum, card) => sum + Math.max(0, freeOf(card)), 0);
  const sizes = model.layers.map(({ expertBytes }) => expertBytes);
  const slotBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const most = Math.max(...model.layers.map(({ experts }) => experts));
  const slots = Math.min(most, Math.floor(free / slotBytes));
  const onCard = Math.min(layers, Math.floor((free * layers) / (slotBytes * most)));
  const cached = (way: Driven) => (count: number) => cachedSpeed(question, model, `${count}/layer`, way);
  const fixed = (cpuLayers: number): Promise<CachedSpeed> => {
    const cache = { policy: `static:by=layer,cpuLayers=${cpuLayers}`, scope: 'global' } as const;
    return cached({ system: { name: 'layers', cache, onMiss: 'cpu' }, hardware })(most);
  };
  const [cpu, whole] = [await fixed(layers), await fixed(layers - onCard)];
  const [linked, mixed] = slots === 0 ? [] : [await cached(offload)(slots), await cached(hybrid)(slots)];
  const decode = { cpu: cpu.speed, layers: whole.speed, offload: linked?.speed ?? null, hybrid: mixed?.speed ?? null };
  return {
    ...{ quantization: model.quantization, users, slots, decode, expertBytes: Math.max(...sizes) },
    breakEven: { offload: await breakEvenAt(cpu.speed, most, cached(offload)), hybrid: await breakEvenAt(cpu.speed, most, cached(hybrid)) },
    reached: { offload: linked?.hitRate ?? null, hybrid: mixed?.hitRate ?? null },
    best: WAYS.reduce((one, way) => ((decode[way] ?? 0) > decode[one]! ? way : one)),
  };
}

/**
 * The hit rate at which a cache is as fast as `speed`: on the line of time over hit rate between two runs, one slower and one not, that halvings of
 * the slots have brought together. 0: it is as fast without a slot; null: slower with `most`.
 */
export async function breakEvenAt(speed: number, most: number, run: (slots: number) => Promise<CachedSpeed>): Promise<number | null> {
  let [slow, fast] = [await run(0), await run(most)];
  if (slow.speed >= speed) return 0;
  if (fast.speed < speed) return null;
  for (let [low, high, left] = [0, most, HALVINGS]; high - low > 1 && left > 0; left--) {
    const middle = (low + high) >> 1;
    const there = await run(middle);
    if (there.speed < speed) [low, slow] = [middle, there];
    else [high, fast] = [middle, there];
  }
  const [from, at, to] = [1 / slow.speed, 1 / speed, 1 / fast.speed];
  return slow.hitRate + ((from - at) / (from - to)) * (fast.hitRate - slow.hitRate);
}

/** Decoding behind the prompt of the question, with so much of the experts on the card (`memory.expertCache`). */
async function cachedSpeed({ request, trace, users }: Question, model: ModelSpec, expertCache: string, way: Driven): Promise<CachedSpeed> {
  const run = async (output: number): Promise<[ns: number, hits: number, demands: number]> => {
    const workload = { batch: users, context: request.prompt, maxTokensPerPass: users };
    const spec = checkRun({ workload, system: way.system, memory: { expertCache }, bounds: false, audit: 'off' }, 'breakeven');
    const machine = { model, modelNote: null, hardware: pinnedFor(spec.system, withoutDisk(asOneGpu(way.hardware))), system: spec.system };
    const part = partOf(trace, { users, prompt: 1, output, context: request.prompt });
    const { metrics } = await simulateInputs({ ...machine, ...routingOfPart(part, trace) }, spec);
    const [ns, hits, late, misses] = ['time.total', 'cache.hits', 'cache.late', 'cache.misses'].map((name) => metrics[name]!.value);
    return [ns!, hits! + late!, hits! + late! + misses!];
  };
  const [whole, first] = [await run(2 * TOKENS), await run(TOKENS)];
  const [ns, hits, demands] = whole.map((value, i) => value - first[i]!);
  return { speed: (users * TOKENS * 1e9) / ns!, hitRate: hits! / demands! };
}
