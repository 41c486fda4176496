import { z } from 'zod';
import { findProfile, isPath } from '../base/profiles.js';
import { BYTES, COUNT, SHARE } from '../base/units.js';
import { known, written } from '../base/written.js';
import { quantity } from '../base/yaml.js';
import { parseCapacity } from '../cache/capacity.js';
import { findHardware } from '../hardware/door.js';
import { CPU_PROJECTIONS, findQuantization, meantModel, parseKvFormat, SHAPE } from '../model/door.js';
import { budgetsSchema } from '../result/budget.js';
import { KV_GROWTH, parseArrivals, parseClassBudget, parseObjectives } from '../schedule/door.js';
import type { ColumnMap } from '../trace/formats/format.js';
import { checkFormatName } from '../trace/formats/index.js';
import { parseVariant } from '../trace/variants/index.js';
import { REPLAYS, RUNTIME_WORDS } from './choices.js';
import { faultsSchema } from './faults.js';
import { speculationSchema } from './speculation.js';

const word = z.string().min(1);
const whole = z.int().nonnegative();
const positive = z.int().positive();

const oneOrMore = z.union([word, z.array(word).min(1)]).transform((given) => (typeof given === 'string' ? [given] : given));

const capacity = written(parseCapacity, z.union([word, z.number().nonnegative()]).transform(String));

const traceColumns = z.strictObject({
  layer: word.describe('Column of the layer.'),
  experts: word.describe('Column of the experts: one id a row, a list of ids, or (Parquet) the columns NAME_0, NAME_1 and so on.'),
  token: word.optional().describe('Column of the position in the request. Absent: rows are counted, per request and layer.'),
  request: word.optional().describe('Column that tells requests apart. Absent: one request.'),
  phase: word.optional().describe('Column of the phase: prefill or decode. Absent: all rows are decoded tokens.'),
  weights: word.optional().describe('Column of the gate weights, one per expert.'),
  tokenId: word.optional().describe('Column of the input token.'),
} satisfies Partial<Record<keyof ColumnMap, z.ZodType>>);

const memory = z.strictObject({
  expertCache: capacity
    .optional()
    .describe('Expert cache on the GPU: 8GiB, 25% of all experts, or 16/layer. Absent: what dense weights and KV cache leave.'),
  dramCache: capacity
    .optional()
    .describe('DRAM for experts where it is a cache of the SSD. Absent: all of it, if it cannot hold every expert.'),
  kv: quantity(BYTES)
    .optional()
    .describe(
      'Room for KV caches, e.g. 4GiB; requests wait where it is taken. Absent: for ' +
        'as many of the longest requests as run at once, or what the GPU leaves.',
    ),
  kvFormat: written(parseKvFormat, word)
    .optional()
    .describe('Format of KV caches: f16, bf16, q8_0, q5_1, q4_0 ..., or keys/values apart, q8_0/q4_0. Absent: f16.'),
  kvGrowth: z
    .enum(KV_GROWTH)
    .optional()
    .describe(
      'static: KV caches have a room of their own. reserve: running requests take ' +
        'their full length from the expert cache. grow: they take blocks as they ' +
        'fill them; the youngest is thrown out where none is left. Absent: static.',
    ),
  kvIn: z
    .enum(['gpu', 'dram'])
    .optional()
    .describe('Where KV caches lie, and who attends to them: the GPU, or in DRAM the CPU (llama.cpp -nkvo). Absent: gpu.'),
  gpuLayers: whole
    .optional()
    .describe(
      'Decoder layers on the GPU, counted from the last (llama.cpp -ngl); one more than there are ' +
        'brings norm and head. The CPU holds the others, with their KV caches and experts. Absent: all.',
    ),
  splitLayer: z
    .strictObject({
      layer: whole.describe('The layer among those with experts, counted from 0.'),
      cpu: z.enum(CPU_PROJECTIONS).describe('Projections of its experts that lie in DRAM, where the CPU computes them: down, or gate+up.'),
    })
    .optional()
    .describe(
      'A layer at the boundary: some projections of its experts lie in DRAM, the others on the GPU ' +
        '(llama.cpp -ot by name). The CPU has all experts of the layers before it. Absent: none.',
    ),
  minExpertCache: capacity
    .optional()
    .describe(
      'With reserve and grow: what the expert cache never gives up, as a size, a share ' +
        'or 4/layer. Absent: what one token touches, at most half of what is shared.',
    ),
});

const workload = z.strictObject({
  arrivals: written(parseArrivals, word)
    .optional()
    .describe(
      'When requests arrive: a file (Azure, Mooncake, vidur, LLMServingSim or arrival, prompt, ' +
        'output), poisson:rate=2, or gamma:rate=2,cv=2. Absent: a closed loop of batch users.',
    ),
  rate: z
    .number()
    .positive()
    .optional()
    .describe('Requests per second: scales the times of a file to this mean rate, or is the rate of a process. Without arrivals: Poisson.'),
  requests: positive.optional().describe('Most requests. Absent: all (processes: 100).'),
  slo: written(parseObjectives, z.string())
    .optional()
    .describe('What a request must keep to count as goodput, e.g. ttft=2s,tpot=100ms, or by class chat:ttft=1s;batch:request=1min.'),
  classes: z
    .record(
      z.string(),
      z.strictObject({
        budget: written(parseClassBudget, word).describe(
          'What tokens of these requests may use: top-k=4 (their best choices), skip=0.25 (none at a share of ' +
            'the layers), copy=0.25 (copies of a share of the bytes of what is missed), or several with commas.',
        ),
      }),
    )
    .optional()
    .describe('Classes of requests, as the column class of the arrivals names them. Absent: all may use all of the model.'),
  batch: positive.max(1_000_000).default(1).describe('Concurrent requests.'),
  tokens: quantity(COUNT)
    .refine((tokens) => tokens > 0, { error: 'must be more than 0' })
    .refine((tokens) => tokens <= 1e9, { error: 'must be at most 1e9; a part of the trace says the same' })
    .optional()
    .describe('Tokens to replay, from the start of each trace (behind what is held out), e.g. 2000 or 10k. Absent: all (synthetic: 512).'),
  holdOut: quantity(SHARE)
    .refine((share) => share > 0 && share < 1, { error: 'must be more than 0 and less than all' })
    .optional()
    .describe(
      'Share of each recorded trace, at its start, that is not replayed: what is counted beforehand ' +
        'is counted there. Absent: 20% where the system counts popularity on the trace, else none.',
    ),
  maxTokensPerPass: positive.default(512).describe('Most tokens of one pass (chunked prefill).'),
  speculation: speculationSchema
    .optional()
    .describe('Speculative decoding: drafted tokens that a pass verifies beside the next one. Absent: none.'),
  prompt: whole.default(128).describe('Prompt tokens of one request, where routing is synthetic or arrivals are drawn.'),
  context: whole
    .max(1e9)
    .optional()
    .describe('Tokens in the KV cache of every request before its first: attention reads them, nothing replays them. Absent: none.'),
  output: positive.default(128).describe('Generated tokens of one request, where routing is synthetic or arrivals are drawn.'),
});

/** Schema of `profiles/runs/*.yaml` and of `simulate`'s input. */
export const runSchema = z.strictObject({
  model: word
    .superRefine(known((name) => isPath(name) || name.startsWith(SHAPE) || findProfile('models', meantModel(name).name)))
    .optional()
    .describe(
      'Bundled name, or a file: a model profile, config.json or GGUF; shape:48x128x8 ' +
        'for layers, experts and top-k alone. Absent: as the trace says.',
    ),
  quantization: word
    .superRefine(known(findQuantization))
    .optional()
    .describe('Storage format of the weights, e.g. q4_k_m, fp8, bf16. Absent: as the model profile says.'),
  hardware: word
    .superRefine(known((name) => findHardware(name)))
    .default('rtx-4090')
    .describe('Bundled name or path of a hardware profile, or parts: rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+nvme-7GB/s.'),
  runtime: word
    .superRefine(known((name) => RUNTIME_WORDS.includes(name) || findProfile('runtimes', name)))
    .optional()
    .describe(
      'Bundled name or path of a runtime, the software that executes the system; own: the ' +
        "system's; default: whatever drives the machine where nobody names one, llama.cpp for " +
        "most. Absent: the system's, and of several that are compared the default for all.",
    ),
  system: z
    .union([word, z.looseObject({})])
    .default('on-demand-lru')
    .describe('Bundled name or path of a system, or a system in place.'),
  trace: oneOrMore
    .prefault('synthetic')
    .refine((traces) => !traces.some((trace) => /^synthetic#\d*:\d*$/.test(trace)), {
      error: 'routing that is drawn has no rows to choose from; say how many tokens (--tokens)',
    })
    .describe(
      'Path of a routing trace (path#6000:8000: these of its rows; a folder: all files ' +
        'in it), or several of one model; - is JSONL on stdin, synthetic is drawn.',
    ),
  traceFormat: word.superRefine(known(checkFormatName)).optional().describe('Format of the traces, instead of recognising it.'),
  traceColumns: traceColumns.optional().describe('Which columns of a CSV, JSON lines or Parquet table hold what. Absent: the usual names.'),
  variants: oneOrMore
    .pipe(z.array(written(parseVariant, word)))
    .optional()
    .describe(
      'Routing variants, applied in order: top-k=4, top-p=0.9, sensitivity, ' +
        'null=8, skip=0.25, two-sizes=0.5, per-request, one-router, random, hash.',
    ),
  memory: memory.prefault({}).describe('How memory is divided.'),
  workload: workload.prefault({}).describe('Which tokens run, and how many at a time.'),
  faults: faultsSchema.optional().describe('What goes wrong with the machine during the run. Absent: nothing does.'),
  replay: z
    .enum(REPLAYS)
    .default('atomic')
    .describe('atomic: an event is a pass at a layer. sequential: every activation is one, as in classical cache simulators.'),
  bounds: z.boolean().default(true).describe('Count the hits of the Belady bound beside the run.'),
  found: z
    .enum(['short', 'all', 'none'])
    .default('short')
    .describe(
      'With bounds: which runs have the times of LRU, Belady and the fastest schedule found. ' +
        'short: of up to 524,288 demanded experts. all: any, in up to three times the time. none.',
    ),
  audit: z
    .enum(['off', 'warn', 'strict'])
    .default('warn')
    .describe('Look for traps in recorded traces first: findings become warnings (warn), errors (strict), or nobody looks (off).'),
  seed: z.int().default(1).describe('Seed of everything that is drawn.'),
  budgets: budgetsSchema
    .default([])
    .describe('Budgets that the result must keep: limits in moeprof run, regressions too in moeprof compare.'),
});

/** A run with defaults; the system is still a name or unchecked. */
export type RunProfile = z.infer<typeof runSchema>;
