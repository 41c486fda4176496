import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { isObject, ownValue } from '../base/objects.js';
import { findProfile, shownPath } from '../base/profiles.js';
import { BYTES, COUNT, DURATION, RATE, SHARE } from '../base/units.js';
import { onOff } from '../base/written.js';
import { type Override, positiveQuantity, quantity, readYaml } from '../base/yaml.js';
import { NUMA } from './spec.js';

const share = positiveQuantity(SHARE);
const duration = quantity(DURATION);
const positive = z.number().positive();
const unsigned = z.number().nonnegative();
const word = z.string().min(1);

const byFormat = <T extends z.ZodType<number>>(value: T) => z.record(word, value);

const before = z.union([positive, ...[SHARE, DURATION, RATE].map((dimension) => positiveQuantity(dimension))]);

const gpu = z.strictObject({
  bandwidth: byFormat(share)
    .optional()
    .describe('Share of the memory bandwidth of the data sheet that weight-bound kernels reach, by format (q4_k), family (k) or default.'),
  covered: share
    .optional()
    .describe(
      'The same, and that of KV caches, on chips with at most 7 GB/s of memory a ' +
        'multiprocessor, whose reads in flight cover its latency. Absent: no more than elsewhere.',
    ),
  compute: share.optional().describe('Share of the dense matrix throughput of the data sheet that large products reach, e.g. 40%.'),
  halved: positive
    .optional()
    .describe(
      'Factor on compute for weights of few bits on cards whose FP16 rate with ' +
        'FP32 accumulation is halved (GeForce): integer products are not. Absent: 1.',
    ),
  fused: onOff
    .optional()
    .describe(
      'Layers with a latent or a recurrent state take no more kernels than ' +
        'one with grouped attention, as in SGLang and vLLM. Absent: off.',
    ),
  rereads: onOff
    .optional()
    .describe('Each of up to eight rows of an expert reads its weights by itself, as where a vector product goes by ids. Absent: off.'),
  tile: unsigned
    .optional()
    .describe('Rows that a product of more than eight rows takes beside its own: tiles are computed whole. Absent: 0.'),
  exchange: onOff
    .optional()
    .describe('Rows of machines with shared tensors are charged two exchanges a layer; off: `layer` has them already. Absent: on.'),
  attention: z
    .strictObject({
      bandwidth: share.describe('Share of the memory bandwidth at which a KV cache is read.'),
      compute: share.describe('Share of the matrix throughput that attention of a prompt reaches.'),
      vector: share.describe('The same where few tokens of a sequence are new, as in decoding.'),
      latent: share.optional().describe('The same over a latent (MLA), which all heads share: rows of one product. Absent: as vector.'),
    })
    .optional()
    .describe('Attention over the KV cache.'),
  flashAttention: onOff
    .optional()
    .describe(
      'Attention in fused kernels, on either device (llama.cpp -fa). off: scores are written to memory and read again. Absent: on.',
    ),
  latent: z
    .enum(['absorbed', 'unpacked'])
    .optional()
    .describe(
      'Prompts over a latent (MLA): absorbed, heads work on the latent itself; unpacked, every pass ' +
        'unpacks keys and values of its whole context (ik_llama.cpp -mla 2 and 3). Absent: absorbed.',
    ),
  several: z
    .enum(['layers', 'tensor', 'experts'])
    .optional()
    .describe('How several GPUs share a model: layers one after another, tensors together, or experts with an all-to-all.'),
});

const cpu = z.strictObject({
  bandwidth: share.optional().describe('Share of what the memory gives to plain reads that kernels reach, e.g. 90%.'),
  memory: byFormat(share)
    .optional()
    .describe('Share of the data sheet that all cores together read, by kind of memory (ddr4, ddr5, amd-server, intel-server) or default.'),
  core: byFormat(positiveQuantity(RATE))
    .optional()
    .describe('Bytes that one core reads a second, by generation (zen4), kind of memory, or default.'),
  recurrence: positive
    .optional()
    .describe('Values of a recurrent state (delta nets, Mamba) that a core renews a cycle. Absent: as many as are read.'),
  operations: z
    .record(word, positive)
    .optional()
    .describe(
      'Operations a cycle and core of large products, by instruction set (avx2, ' +
        'avx512-vnni, amx, neon), that and a family of formats (amx/int), or default.',
    ),
  products: byFormat(share)
    .optional()
    .describe(
      'Share of `operations` that large products of a format reach on an instruction set (avx512-vnni/fp, ' +
        'avx512-vnni/q8_0). Absent: all; a runtime with operations of its own has products of its own, too.',
    ),
  attention: z
    .strictObject({
      prompt: positive.describe('In prompts.'),
      vector: positive.describe('Where few tokens of a sequence are new, as in decoding: each head reads the cache by itself.'),
    })
    .optional()
    .describe(
      'Operations a cycle and core of attention over the KV cache, times the factor ' +
        'of a generation; it waits for the weights. Absent: it shares their time.',
    ),
  generations: byFormat(positive)
    .optional()
    .describe(
      'Factor on operations by generation of cores: widths of units and ' +
        'clocks under load that the instruction set does not tell. Others: 1.',
    ),
  weightsPerCycle: byFormat(positive)
    .optional()
    .describe(
      'Weights that a core unpacks a cycle, by format, family, that on an ' +
        'instruction set (amx/k), or default. Absent: as many as are read.',
    ),
  layer: duration.optional().describe('Time of the host per decoder layer that runs on the CPU, e.g. 60us.'),
  barrier: duration
    .optional()
    .describe('Time that each thread adds to a decoder layer on the CPU, since all wait for one another after each operation. Absent: 0.'),
  numa: z.enum(NUMA).optional().describe('How experts use several sockets.'),
  sockets: share
    .optional()
    .describe(
      'Share of the sum of their memories that several sockets reach together, weights spread over them as the software can (--numa).',
    ),
  untuned: share.optional().describe('The same where nothing spreads the weights. Absent: as sockets.'),
  together: share.optional().describe('Share of the sum of their arithmetic that several sockets reach together. Absent: all of it.'),
});

const copy = z.strictObject({
  efficiency: share.optional().describe('Share of what pinned memory reaches over the link, e.g. 95%.'),
  staging: z
    .union([positiveQuantity(RATE), z.literal('none')])
    .optional()
    .describe(
      'Rate at which the host brings mapped weights to a pinned buffer, e.g. ' +
        '14 GB/s; expert caches copy from pinned memory, or by `cache`. none: all is pinned.',
    ),
  pins: onOff.optional().describe('Weights that are not mapped lie in pinned memory, as with --no-mmap of llama.cpp. Absent: on.'),
  host: duration.optional().describe('Time of the host per copy.'),
  pieces: z.int().positive().optional().describe('Copies per expert: 3 where gate, up and down projection go one by one.'),
  overlap: z
    .enum(['none', 'copy', 'full'])
    .optional()
    .describe('none: experts execute when the last copy of their layer has arrived. copy: each when its own has. full: as copy.'),
});

const cache = z.strictObject({
  readBack: duration
    .optional()
    .describe('Wait of a pass at each cached layer: its ids come back to the host, and its graph is in more pieces.'),
  launch: duration
    .optional()
    .describe('What a copy in a queue takes beside its bytes; an expert is copied in as many pieces as elsewhere.'),
  mapped: positiveQuantity(RATE).optional().describe('Rate of copies from a mapped file, for which the host waits.'),
  pinned: onOff.optional().describe('The experts lie in pinned memory (-lm none), as far as the system pins so much. Absent: on.'),
});

const windows = z.strictObject({
  handover: duration.optional().describe('Handover to the CPU and back on Windows, whose driver queues work (WDDM), in place of handover.'),
  pinned: share
    .optional()
    .describe('Most of host memory that can be pinned for an expert cache; beyond, its copies are mapped. Absent: all.'),
});

const host = z.strictObject({
  clock: positive.describe('Base clock in GHz of the CPU that pass, layer, expert and handover were measured beside.'),
});

const prompt = z.strictObject({
  ubatch: quantity(COUNT).optional().describe('Most tokens of one pass over a prompt.'),
  counts: z
    .enum(['pass', 'expert'])
    .optional()
    .describe('What offloadFrom counts: tokens of the pass, or tokens that an expert serves on average (pass x top-k / experts).'),
  offloadFrom: z
    .union([quantity(COUNT), z.literal('never'), z.literal('cheaper')])
    .optional()
    .describe(
      'Tokens of a pass from which on experts in host memory are copied to the GPU and computed ' +
        'there; never: the CPU computes; cheaper: whichever of both is sooner, for each expert.',
    ),
});

const read = z.strictObject({
  size: z
    .union([z.literal('expert'), positiveQuantity(BYTES)])
    .describe(
      'Bytes of a read from an SSD: of a piece where a mapped file is read as it is touched, e.g. 128KiB; expert: all of it at once.',
    ),
  inFlight: z.int().positive().default(1).describe('Pieces under way at once.'),
});

/** Schema of `profiles/runtimes/*.yaml`. */
export const runtimeSchema = z.strictObject({
  name: word.describe('Name, as reports show it.'),
  cites: z.string().optional().describe('Which program it is.'),
  base: word.optional().describe('Runtime that it differs from: what is not said here is as there.'),
  fitted: z
    .strictObject({
      on: word.describe('The measurements that constants were fitted on.'),
      constants: z.array(word).describe('Dotted names of the constants, e.g. gpu.bandwidth.k.'),
      tied: z
        .record(word, word)
        .default({})
        .describe('Constants that are one quantity with a fitted one: name, and that of the fitted one, of equal value.'),
      before: z
        .record(word, before)
        .default({})
        .describe('Values that constants had before the rows, which a fit draws them towards. A constant that is not here: its own.'),
    })
    .optional()
    .describe('Constants that are no data-sheet or published figures.'),
  assumed: word.optional().describe('Sentences: what is taken for lack of measurements, as reports say it.'),
  pass: duration.optional().describe('Time of the host per pass: scheduling, sampling, graph launch.'),
  layer: duration.optional().describe('Time of the host per decoder layer: norms, router, small kernels, synchronization.'),
  expert: duration.optional().describe('Time of the host per expert that is launched on the GPU.'),
  handover: duration.optional().describe('Time to hand activations to the CPU and take the result back, once per layer that it serves.'),
  windows: windows.optional().describe('Where Windows takes other times. Absent: nowhere.'),
  host: host.optional().describe('Times of the host go with the clock of its CPU. Absent: they do not, as with graphs.'),
  gpu: gpu.optional().describe('Kernels on the GPU.'),
  cpu: cpu.optional().describe('Kernels on the CPU.'),
  copy: copy.optional().describe('Copies of experts to the GPU.'),
  cache: cache.optional().describe('An expert cache of its own (llama-moe-cache). Absent: caches copy as all else, and wait for nothing.'),
  prompt: prompt.optional().describe('What is done with prompts.'),
  read: read.optional().describe('How experts are read from an SSD. Absent: whole, as many at a time as the drive takes.'),
  prediction: unsigned
    .optional()
    .describe(
      "What predictions of experts take, as a multiple of what moeprof's " +
        'predictors take on a host of the same clock; 0: nothing. Absent: 1.',
    ),
});

type RuntimeProfile = z.infer<typeof runtimeSchema>;
type Filled<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> };

type MayLack = 'attention' | 'recurrence' | 'untuned';

/** A runtime with its base filled in. Times in ns, shares in (0, 1]. */
export interface RuntimeSpec extends Filled<Pick<RuntimeProfile, 'name' | 'pass' | 'layer' | 'expert' | 'handover'>> {
  /** Fitted constants of the runtime without its base, and their measurements. */
  readonly fitted: NonNullable<RuntimeProfile['fitted']> | null;
  /** Sentences on assumptions; null: as well known as any runtime. */
  readonly assumed: string | null;
  /** Null: host times are equal on every CPU. */
  readonly host: { /** GHz */ readonly clock: number } | null;
  readonly windows: z.infer<typeof windows>;
  readonly gpu: Filled<z.infer<typeof gpu>>;
  readonly cpu: Filled<Omit<z.infer<typeof cpu>, MayLack>> & Pick<z.infer<typeof cpu>, MayLack>;
  readonly copy: Filled<z.infer<typeof copy>>;
  /** Null: no expert cache of its own. */
  readonly cache: (Filled<z.infer<typeof cache>> & { /** Share of host memory. */ readonly pinnable: number }) | null;
  readonly read: z.infer<typeof read>;
  /** Charged multiple of measured prediction time; 0: not charged. */
  readonly prediction: number;
  readonly prompt: {
    readonly ubatch: number;
    readonly counts: 'pass' | 'expert';
    /** Null: never; `cheaper`: if the GPU finishes sooner. */
    readonly offloadFrom: number | 'cheaper' | null;
  };
}

/** Most levels of bases; ours. */
const MOST_BASES = 4;

/**
 * @param nameOrPath bundled, or a file relative to `relativeTo` @param overrides of values @throws UserError for a
 * missing file or constant
 */
export function loadRuntime(nameOrPath: string, relativeTo?: string, overrides: readonly Override[] = []): RuntimeSpec {
  const path = findProfile('runtimes', nameOrPath, relativeTo);
  const profile = readYaml(path, runtimeSchema, overrides);
  let whole = profile;
  let { base } = profile;
  for (let depth = 0; base !== undefined; depth++) {
    if (depth === MOST_BASES) throw new UserError(`${shownPath(path)}: base: more than ${MOST_BASES} runtimes deep; name a nearer one`);
    const below = readYaml(findProfile('runtimes', base), runtimeSchema);
    whole = merged(withoutOthersKernels(below, whole), whole) as RuntimeProfile;
    base = below.base;
  }
  return filled(whole, profile, shownPath(path));
}

function withoutOthersKernels(below: RuntimeProfile, above: RuntimeProfile): RuntimeProfile {
  return above.cpu?.operations === undefined ? below : { ...below, cpu: { ...below.cpu, products: {} } };
}

function merged(below: Readonly<Record<string, unknown>>, above: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const over = Object.entries(above).map(([key, value]) => {
    const under = ownValue(below, key);
    return [key, isObject(value) && isObject(under) ? merged(under, value) : value];
  });
  return { ...below, ...Object.fromEntries(over) };
}

/** Required constants of a runtime and its bases. A table needs a default value. */
const NEEDED = [
  ...['pass', 'layer', 'expert', 'handover', 'gpu.bandwidth', 'gpu.bandwidth.default', 'gpu.compute', 'gpu.attention', 'gpu.several'],
  ...['cpu.bandwidth', 'cpu.operations', 'cpu.operations.default', 'cpu.layer', 'cpu.numa', 'cpu.sockets'],
  ...['copy.efficiency', 'copy.host', 'copy.pieces', 'copy.overlap', 'prompt.ubatch', 'prompt.counts', 'prompt.offloadFrom'],
];

/** Constants of a runtime with an expert cache of its own. */
const NEEDED_BY_CACHE = ['cache.readBack', 'cache.launch', 'cache.mapped'];

/** Defaults of optional constants. */
const UNSAID = {
  host: null,
  windows: {},
  gpu: { flashAttention: true, latent: 'absorbed', halved: 1, tile: 0, fused: false, rereads: false, exchange: true, covered: 0 },
  cpu: { barrier: 0, weightsPerCycle: {}, memory: { default: 1 }, core: {}, generations: {}, products: {}, together: 1 },
  copy: { staging: 'none', pins: true },
  cache: null,
  prediction: 1,
  read: { size: 'expert', inFlight: 1 },
} as const;

function filled({ base: _base, cites: _cites, ...whole }: RuntimeProfile, upper: RuntimeProfile, label: string): RuntimeSpec {
  for (const name of whole.cache === undefined ? NEEDED : [...NEEDED, ...NEEDED_BY_CACHE]) {
    const value = name.split('.').reduce<unknown>((under, key) => ownValue(under, key), whole);
    if (value !== undefined) continue;
    const [table, isTable] = [name.replace(/\.default$/, ''), name.endsWith('.default')];
    const remedy = isTable
      ? 'needs a value for all others; add default'
      : 'is missing; give it, or name a base that has it (base: llama.cpp)';
    throw new UserError(`${label}: ${table}: ${remedy}`);
  }
  const { assumed = null, fitted = null, name } = upper;
  const { offloadFrom, ...prompt } = whole.prompt!;
  const cache = whole.cache === undefined ? {} : { cache: { pinned: true, ...whole.cache, pinnable: 1 } };
  const values = {
    ...whole,
    ...cache,
    name,
    fitted,
    assumed,
    prompt: { ...prompt, offloadFrom: offloadFrom === 'never' ? null : offloadFrom },
  };
  return merged(UNSAID, values) as unknown as RuntimeSpec;
}
