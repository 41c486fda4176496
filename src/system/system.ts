// A system, read from YAML: policy, predictor, scheduler and miss action.
import { z } from 'zod';
import { readText } from '../base/input-file.js';
import { byName } from '../base/objects.js';
import type { Choice } from '../base/parameters.js';
import { findProfile, shownPath } from '../base/profiles.js';
import { BYTES } from '../base/units.js';
import { issueOf, known, onOff, written } from '../base/written.js';
import { type Located, locateYaml, type Override, positiveQuantity } from '../base/yaml.js';
import { parseCapacity } from '../cache/capacity.js';
import { QUOTAS } from '../cache/layer-quotas.js';
import { parsePolicy } from '../cache/policies/index.js';
import { parsePredictor } from '../predict/predictors/create.js';
import { parseScheduler } from '../schedule/door.js';
import { DEGREES, PREFETCH_BUDGETS, PREFETCH_WHEN, WHEN_FULL } from './choices.js';
import { copies } from './copies.js';
import { missRules } from './miss-rules.js';
import { parsePlacement } from './placement/index.js';
import { speculationSchema } from './speculation.js';
import { parseStaging } from './staging.js';

const word = z.string().min(1);
const whole = z.int().nonnegative();
const positive = z.int().positive();
/** Tokens of earlier text, or its file. */
const earlier = z.union([positive, word]);

/** Fields of every predictor; other keys are parameters. */
export const predictorFields = z.looseObject({
  kind: word.default('none').describe('Which predictor, none for none; parameters may follow after a colon.'),
  horizon: z
    .union([positive, z.enum(['all', 'auto'])])
    .default(1)
    .describe('Layers ahead that it predicts; all; or auto: as many as the link needs.'),
  correction: onOff.default(true).describe("Predict the remaining layers again as soon as a layer's routing is known."),
  train: z.array(z.string()).default([]).describe('Traces to learn from before the run.'),
});

/** Replaces a predictor for `--predictor`; keeps horizon, correction and training traces. */
export function replacePredictor(kind: string): (before: unknown) => unknown {
  return (before) => {
    if (typeof before !== 'object' || before === null) return kind;
    const shared = Object.keys(predictorFields.shape).filter((key) => key !== 'kind');
    return { ...Object.fromEntries(Object.entries(before).filter(([key]) => shared.includes(key))), kind };
  };
}

/** Parses a member of a family; checks parameters separately for error places. */
function chosen<C extends Choice>(
  context: z.RefinementCtx,
  kind: string,
  beside: Readonly<Record<string, unknown>>,
  parse: (text: string, beside: Readonly<Record<string, unknown>>) => C,
): C {
  issueOf(context, ['kind'], () => parse(kind, {}));
  if (context.issues.length > 0) return z.NEVER;
  for (const [name, value] of Object.entries(beside)) issueOf(context, [name], () => parse(kind, { [name]: value }));
  return context.issues.length > 0 ? z.NEVER : parse(kind, beside);
}

const named = z.union([z.string().transform((kind) => ({ kind })), z.looseObject({})]);

const predictor = named.pipe(predictorFields).transform(({ kind, horizon, correction, train, ...parameters }, context) => ({
  kind: chosen(context, kind, parameters, parsePredictor),
  horizon,
  correction,
  train,
  parameters,
}));

/** Field of every scheduler; other keys are parameters. */
export const schedulerFields = z.looseObject({
  kind: z.string().default('fcfs').describe('Which scheduler; parameters may follow after a colon.'),
});

/** Field of every placement; other keys are parameters. */
export const placementFields = z.looseObject({
  kind: z.string().default('even').describe('even, popularity or replicated; parameters may follow after a colon: replicated:hottest=4.'),
});

const scheduler = named
  .pipe(schedulerFields)
  .transform(({ kind, ...parameters }, context) => ({ kind: chosen(context, kind, parameters, parseScheduler), parameters }));

const placement = named
  .pipe(placementFields)
  .transform(({ kind, ...parameters }, context) => ({ kind: chosen(context, kind, parameters, parsePlacement), parameters }));

const policy = written(parsePolicy, word);

const overlap = z.literal(['none', ...DEGREES, 'adaptive']);

/** Parts of a system that may be plain text: the key that the text sets. */
export const SHORTHANDS = byName<string>({ predictor: 'kind', scheduler: 'kind', placement: 'kind', onMiss: 'do' });

/** Schema of `profiles/systems/*.yaml`. */
export const systemSchema = z.strictObject({
  name: word.describe('Name, as reports show it.'),
  cites: z.string().optional().describe('What it follows: a paper, a repository.'),
  simplifies: z.string().optional().describe('Where it is simpler than what it follows.'),
  decisive: z
    .strictObject({
      mechanism: word.describe('What it is, in words.'),
      without: z.record(word, z.unknown()).describe('What takes it away and leaves the rest: values by their path, as for --set.'),
      worse: word.describe('The metric that gets worse without it.'),
      shown: z.record(word, z.unknown()).optional().describe('Settings of a run that shows it, by their path. Absent: any run does.'),
    })
    .optional()
    .describe('The mechanism that makes this system what it is, and what takes it away.'),
  runtime: word
    .superRefine(known((name) => findProfile('runtimes', name)))
    .optional()
    .describe('Runtime that executes it, where the run names none: llama.cpp, ktransformers, hf-eager ...'),
  cache: z
    .strictObject({
      policy: policy
        .prefault('lru')
        .describe('Cache policy, with parameters after a colon: lru, s3-fifo:small=0.1, or a file such as ./my-policy.mjs.'),
      scope: z.enum(['global', 'layer']).default('global').describe('One cache for all layers (global), or one per layer.'),
      quotas: z
        .union([z.enum(QUOTAS), z.array(whole)])
        .optional()
        .describe(
          'Split of the capacity over layers, layer scope only: even, proportional, optimal ' +
            '(both profiled), shallow (the first layers whole), or experts per MoE layer.',
        ),
      popularity: earlier
        .default(1000)
        .describe(
          'Where the popularity of experts is counted: so many tokens that the ' +
            'run does not replay (drawn apart; of a recorded trace those before what ' +
            'is replayed, see workload.holdOut), or a file (a trace, or counts).',
        ),
      warm: earlier
        .optional()
        .describe(
          'Earlier text that the caches have served and predictions have learned from when the run begins: ' +
            'so many tokens before the replayed ones (as popularity), or a trace. Absent: caches are cold.',
        ),
      capacity: written(parseCapacity, z.string())
        .optional()
        .describe('Capacity that makes this system what it is (0%, 100%). Absent: the run says.'),
      exclusive: onOff.default(false).describe('Tiers exclude each other: an evicted expert is written back to DRAM.'),
      copies: copies
        .optional()
        .describe(
          'Low-precision copies that stay on the GPU, in slots of their own out of the same capacity. Absent: copies are streamed.',
        ),
    })
    .prefault({})
    .describe('The expert cache.'),
  dram: z
    .strictObject({ policy: policy.prefault('lru').describe('Cache policy of DRAM.') })
    .prefault({})
    .describe('DRAM as a cache of the SSD, where it cannot hold every expert.'),
  predictor: predictor.prefault({}).describe('Path predictor: a name, or a mapping with kind and parameters.'),
  prefetch: z
    .strictObject({
      minProbability: z.number().min(0).max(1).default(0.15).describe('Experts of a smaller probability are not prefetched, 0..1.'),
      perLayer: positive
        .optional()
        .describe("Most experts prefetched for one layer. Absent: the layer's top-k times the tokens of a decode pass."),
      when: z
        .enum(PREFETCH_WHEN)
        .default('idle')
        .describe(
          'When a planned expert is brought: whenever the link is idle, or only ' +
            'where the stall that it is expected to save exceeds what it delays ' +
            'and what its victim is worth (needs a policy that knows that: plec).',
        ),
      across: z
        .union([z.boolean(), z.literal('auto')])
        .default(false)
        .describe(
          'Also bring what the next pass will probably demand, while nothing of the running one wants the ' +
            'link (needs when: pays, one GPU, and a predictor of the next pass, such as path-retrieval or ' +
            'oracle); auto: where that can be, and one batch runs at a time; the result says where it is left out.',
        ),
      whenFull: z
        .enum(WHEN_FULL)
        .default('drop')
        .describe('What becomes of a prefetch that finds no slot: drop, or wait until an event has ended.'),
      staging: written(parseStaging, z.union([word, whole]).transform(String))
        .optional()
        .describe(
          'Buffers outside the cache that prefetched experts land in, e.g. 4, or 2 layers ' +
            'for all experts of two: they move into the cache when they are demanded, and ' +
            'a wrong prefetch evicts nothing. Absent: they take slots of the cache.',
        ),
      budget: z
        .enum(PREFETCH_BUDGETS)
        .default('none')
        .describe(
          'pays: by distance, what prefetches have avoided is held against what ' +
            'they have caused, demands that waited and experts pushed out for nothing; ' +
            'what loses pauses, and is tried again later. none: nobody stops them.',
        ),
      cancel: onOff
        .default(true)
        .describe(
          'What is planned for a layer is cancelled where its routing says otherwise; off: it is brought all the same (whole layers).',
        ),
      chunk: positiveQuantity(BYTES)
        .optional()
        .describe(
          'Bytes after which a started prefetch yields to a demand, on links ' +
            'of one path. Absent: as the machine says, which is never for most.',
        ),
    })
    .prefault({})
    .describe('Limits of the prefetch.'),
  speculation: speculationSchema
    .optional()
    .describe('Drafts that make this system what it is, where the run says nothing of workload.speculation. Absent: none.'),
  scheduler: scheduler.prefault({}).describe('Batch scheduler: a name, or a mapping with kind and parameters.'),
  placement: placement
    .optional()
    .describe('Which GPU each expert lives on, where there are several: a name, or a mapping with kind and parameters. Absent: even.'),
  overlap: overlap
    .transform((given) => (given === 'none' ? 1 : given))
    .optional()
    .describe('Chunks in which activations go to other GPUs and back: none, 2, 4, 8, or adaptive, the best for each event. Absent: none.'),
  parallelism: z
    .enum(['expert', 'adaptive'])
    .optional()
    .describe(
      'How GPUs share the work of an event: expert, activations go where experts ' +
        "live; adaptive, or every GPU gathers the layer's weights and computes its own " +
        'tokens, where that ends sooner and all weights are resident. Absent: expert.',
    ),
  onMiss: missRules
    .prefault('load')
    .describe(
      'What becomes of a miss: load the expert, compute it on the cpu, whichever is ' +
        'cheaper, keep a static placement, or a lossy way; a rule with do, admit, after, ' +
        'copyBytes and when; or a list of them, of which the first that holds wins.',
    ),
  rerank: z
    .strictObject({
      lambda: z.number().min(0).describe('What residence is worth, added to the log gate weight; 0: nothing.'),
      keep: whole.default(0).describe('Best ranked choices that a token keeps in any case.'),
    })
    .optional()
    .describe(
      'Cache-aware routing: resident experts are preferred among the ' +
        'candidates of a trace that is wider than top-k. Absent: as recorded.',
    ),
});

/** A checked system. */
export type SystemSpec = z.infer<typeof systemSchema>;

/** First part about GPUs that share experts; null: none. */
export const sharingPart = (system: SystemSpec): 'placement' | 'overlap' | 'parallelism' | null =>
  (['placement', 'overlap', 'parallelism'] as const).find((part) => system[part] !== undefined) ?? null;

/** A system by bundled name or path. @param overrides paths from the root @throws UserError */
export function loadSystem(nameOrPath: string, relativeTo?: string, overrides: readonly Override[] = []): Located<SystemSpec> {
  const path = findProfile('systems', nameOrPath, relativeTo);
  return locateYaml(readText(path), shownPath(path), systemSchema, overrides);
}
