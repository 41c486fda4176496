import { placed, UserError } from '../base/errors.js';
import { availableParallelism } from '../base/host/machine.js';
import { cwd } from '../base/host/process.js';
import { hasThread } from '../base/host/threads.js';
import { findProfile, isPath } from '../base/profiles.js';
import { parseCount } from '../base/units.js';
import { capacityBytes, parseCapacities, parseCapacity } from '../cache/capacity.js';
import { type PolicyChoice, parsePolicy, resolvePolicy } from '../cache/policies/index.js';
import { policyNeeds } from '../cache/policy.js';
import { type Inputs, openInputs } from '../engine/inputs/inputs.js';
import { countsById, profiledPart, profiledRows } from '../engine/inputs/profiling.js';
import { checkRun, type RunInput, type RunSpec } from '../system/door.js';
import { cutNote } from '../trace/cut.js';
import { openPopularity } from '../trace/open/open.js';
import { type Popularity, popularityOf } from '../trace/popularity.js';
import type { BroadcastWatch } from './broadcast.js';
import { type CurveOptions, drawCurve } from './curve.js';
import type { Curve } from './curve-result.js';

/** Defaults: one cache of all layers, atomic replay, even split, no warm-up, a thread per core. */
export interface CurveSettings extends Partial<Pick<CurveOptions, 'scope' | 'replay' | 'quotas' | 'warmup' | 'threads'>> {
  /** Names with parameters, or modules; default as for `moeprof curve`. */
  readonly policies?: readonly string[];
  /** Sizes and ranges with commas: `5%..50%:10,12GiB`; default `5%..100%`. */
  readonly capacities?: string;
  /** Number of tokens not replayed, a trace, counts, or `replayed` (hindsight); default 1000. */
  readonly popularity?: string;
  /** Default: the knee. */
  readonly at?: string;
}

/** Chance, recency, frequency and the Belady bound. */
export const CURVE_POLICIES: readonly string[] = ['random', 'lru', 's3-fifo', 'lfu', 'lfu-decay', 'belady'];

/** Tokens for popularity, as for a run. */
export const CURVE_POPULARITY = '1000';

/** Callbacks of a curve. */
export type CurveWatch = BroadcastWatch;

/** `moeprof curve`, from one read of a trace. @throws UserError for a wrong input or setting */
export const curveFor = async (input: RunInput, settings: CurveSettings = {}, watch: CurveWatch = {}): Promise<Curve> =>
  curveOfRun(checkRun(input, 'curve'), settings, watch);

/** {@link curveFor} for a checked run. @param prefix of setting names in messages: `--` for flags */
export async function curveOfRun(run: RunSpec, settings: CurveSettings, watch: CurveWatch, prefix = ''): Promise<Curve> {
  const { at, capacities = '5%..100%', quotas = 'even', replay = 'atomic', scope = 'global', warmup = 0 } = settings;
  if (quotas !== 'even' && scope !== 'layer')
    throw new UserError(`${prefix}quotas ${quotas}: only caches of their own have quotas; add ${prefix}scope layer`);
  const policies = (settings.policies ?? CURVE_POLICIES).map((text) => placed(`${prefix}policies`, () => parsePolicy(text)));
  const counted = settings.popularity ?? CURVE_POPULARITY;
  const counts = await needsPopularity(policies);
  const inputs = await openInputs(run, watch, { counts: counts && isCount(counted) });
  const { model, modelNote, routing, trace, unsized = false } = inputs;
  for (const note of [modelNote, model.note ?? null, ...inputs.traces.map(cutNote)]) if (note !== null) watch.note?.(note);
  try {
    const { tokens } = trace;
    if (tokens === 0) throw new UserError(`${trace.path}: has no tokens to replay`);
    if (warmup >= tokens) throw new UserError(`${prefix}warmup: ${warmup} tokens leave none of ${tokens} to count; use fewer`);
    if (unsized) refuseBytes({ capacities, at }, prefix);
    return await drawCurve(
      {
        model,
        unsized,
        trace,
        ...(routing === undefined ? {} : { routing }),
        policies,
        folder: cwd(),
        capacities: placed(`${prefix}capacities`, () => parseCapacities(capacities, model)),
        scope,
        replay,
        quotas,
        tokens,
        warmup,
        seed: run.seed,
        popularity: counts ? await profileFor(counted, inputs, prefix) : null,
        at: at === undefined ? null : placed(`${prefix}at`, () => capacityBytes(parseCapacity(at), model)),
        threads: hasThread('capacity/worker') ? (settings.threads ?? availableParallelism()) : 0,
      },
      watch,
    );
  } finally {
    trace.close();
  }
}

/** @throws UserError for capacities in bytes with experts of unknown size */
function refuseBytes(given: Readonly<Record<string, string | undefined>>, prefix: string): void {
  for (const [setting, text = ''] of Object.entries(given)) {
    for (const part of text.split(/,|\.\./).filter((piece) => piece.trim() !== '')) {
      const capacity = placed(`${prefix}${setting}`, () => parseCapacity(part.replace(/:\d+$/, '')));
      if (capacity.kind !== 'bytes') continue;
      throw new UserError(
        `${prefix}${setting}: '${part.trim()}' needs the sizes of experts, which neither the trace nor a model says; name its model with --model, or write 25% or 16/layer`,
      );
    }
  }
}

async function needsPopularity(policies: readonly PolicyChoice[]): Promise<boolean> {
  for (const policy of policies) {
    const { definition, parameters } = await resolvePolicy(policy);
    if (policyNeeds(definition, parameters).includes('popularity')) return true;
  }
  return false;
}

async function profileFor(source: string, inputs: Inputs, prefix: string): Promise<{ counts: Float64Array; source: string }> {
  const { popularity, words } = await countedOn(source, inputs, prefix);
  return { counts: countsById(popularity, inputs.model), source: words };
}

const isCount = (source: string): boolean => /^\d/.test(source) && !isPath(source);

async function countedOn(source: string, inputs: Inputs, prefix: string): Promise<{ popularity: Popularity; words: string }> {
  const { model, trace } = inputs;
  if (source === 'replayed') {
    const popularity = popularityOf(trace);
    return { popularity, words: 'the replayed tokens themselves, in hindsight' };
  }
  if (isCount(source)) {
    const tokens = parseCount(source, `${prefix}popularity`);
    if (tokens === 0) throw new UserError(`${prefix}popularity: '${source}' counts nothing; write at least 1, or name a file`);
    return { popularity: popularityOf(await profiledRows(inputs, tokens)), words: profiledPart(inputs, tokens).words };
  }
  const popularity = await openPopularity(isPath(source) ? source : findProfile('traces', source), { model });
  return { popularity, words: popularity.path };
}
