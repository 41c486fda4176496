// `moeprof curve`: hit rate against capacity for many policies, from one read of the trace.
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { placed, UserError } from '../base/errors.js';
import { findProfile, isPath } from '../base/profiles.js';
import { parseCount } from '../base/units.js';
import { capacityBytes, parseCapacities, parseCapacity } from '../cache/capacity.js';
import { QUOTAS, type Quotas } from '../cache/layer-quotas.js';
import { type PolicyChoice, parsePolicy, resolvePolicy } from '../cache/policies/index.js';
import { policyNeeds } from '../cache/policy.js';
import { type Inputs, openInputs, replayedRows } from '../engine/inputs.js';
import { profiledPart, profiledRows } from '../engine/profiling.js';
import { type CurveOptions, drawCurve } from '../explore/curve.js';
import type { Curve } from '../explore/curve-result.js';
import { curveReports } from '../explore/report.js';
import { checkRun, loadRun, type RunSpec } from '../system/run.js';
import { openPopularity } from '../trace/open.js';
import { type Popularity, popularityOf } from '../trace/popularity.js';
import type { CliContext } from './context.js';
import {
  addOutputOptions,
  addRoutingOptions,
  jobsOption,
  type OutputOptions,
  parseJobs,
  scopeOption,
  seedOption,
  tokensOption,
} from './options.js';
import { deliver } from './outputs.js';
import { type RoutingFlags, routingOverrides } from './run-options.js';
import { watched } from './watched.js';

interface Flags extends RoutingFlags, OutputOptions {
  readonly policies: string;
  readonly capacities: string;
  readonly scope: 'global' | 'layer';
  readonly replay: 'atomic' | 'sequential';
  readonly quotas: Quotas;
  readonly warmup: string;
  readonly popularity?: string;
  readonly at?: string;
  readonly jobs?: string;
}

/** Chance, the usual three kinds of memory, and the bound. */
const POLICIES = 'random,lru,s3-fifo,lfu,lfu-decay,belady';

const EXAMPLES = `
Examples:
  moeprof curve                                   the bundled quick start
  moeprof curve -t routing.safetensors --scope layer
  moeprof curve -t routing.safetensors --policies lru,arc,./mine.mjs,belady
  moeprof curve -t routing.safetensors --capacities 5%..50%:10,12GiB --at 12GiB
  moeprof curve -t routing.safetensors --scope layer --quotas optimal --json

Policies and their parameters: moeprof profiles list policy
`;

/** Threads have a module of their own, which only the built moeprof has. */
const THREADS = existsSync(fileURLToPath(new URL('../explore/worker.js', import.meta.url)));

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  addRoutingOptions(command.optionsGroup('What is asked:'))
    .addOption(tokensOption())
    .option('--warmup <n>', 'tokens at the start that fill the caches and are not counted', '0')
    .optionsGroup('What answers:')
    .option('--policies <list>', 'policies, e.g. lru,s3-fifo:small=0.2,./mine.mjs', POLICIES)
    .option('--capacities <list>', 'sizes and ranges: 1%..100%, 5%..50%:10, 8GiB, 16/layer', '5%..100%')
    .addOption(scopeOption().default('global'))
    .addOption(
      new Option('--replay <replay>', 'an event is a token at a layer, or a single activation')
        .choices(['atomic', 'sequential'])
        .default('atomic'),
    )
    .addOption(new Option('--quotas <quotas>', 'how a capacity is split over layers, with --scope layer').choices(QUOTAS).default('even'))
    .option(
      '--popularity <source>',
      'for static placement: a trace or counts, or how many tokens that are not replayed',
      'the replayed tokens',
    )
    .option('--at <size>', 'capacity that the verdict speaks of', 'the knee')
    .addOption(seedOption().default('1'))
    .addOption(jobsOption('threads that compute'));
  addOutputOptions(command, curveReports)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      const threads = parseJobs(flags.jobs) ?? availableParallelism();
      await deliver(context, curveReports, flags, () => draw(flags, threads, context), flags.trace);
    });
}

async function draw(flags: Flags, threads: number, context: CliContext): Promise<Curve> {
  if (flags.quotas !== 'even' && flags.scope !== 'layer') {
    throw new UserError(`--quotas ${flags.quotas}: only caches of their own have quotas; add --scope layer`);
  }
  const policies = splitPolicies(flags.policies).map((text) => placed('--policies', () => parsePolicy(text)));
  const run = runOf(flags);
  const inputs = await openInputs(run, context);
  const { model, modelNote, trace } = inputs;
  if (modelNote !== null) context.note(modelNote);
  try {
    const tokens = replayedRows(inputs, run);
    const warmup = parseCount(flags.warmup, '--warmup');
    if (tokens === 0) throw new UserError(`${trace.path}: has no tokens to replay`);
    if (warmup >= tokens) throw new UserError(`--warmup: ${warmup} tokens leave none of ${tokens} to count; use fewer`);
    const options: CurveOptions = {
      model,
      trace,
      policies,
      folder: process.cwd(),
      capacities: placed('--capacities', () => parseCapacities(flags.capacities, model)),
      scope: flags.scope,
      replay: flags.replay,
      quotas: flags.quotas,
      tokens,
      warmup,
      seed: run.seed,
      popularity: (await needsPopularity(policies)) ? await popularityFor(flags.popularity, inputs, run) : null,
      at: flags.at === undefined || flags.at === 'the knee' ? null : placed('--at', () => capacityBytes(parseCapacity(flags.at!), model)),
      threads: THREADS ? threads : 0,
    };
    return await watched(context, 'replaying', 'tokens', (watch) => drawCurve(options, watch));
  } finally {
    trace.close();
  }
}

/** A comma separates policies, and parameters of one policy: a part with `=` and no name before it belongs to the one before. */
export function splitPolicies(text: string): string[] {
  const policies: string[] = [];
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue;
    const more = /^[A-Za-z]\w*=/.test(part) && policies.length > 0 && policies.at(-1)!.includes(':');
    if (more) policies.push(`${policies.pop()},${part}`);
    else policies.push(part);
  }
  if (policies.length === 0) throw new UserError('--policies: names none; write e.g. --policies lru,belady');
  const twice = policies.find((policy, index) => policies.indexOf(policy) !== index);
  if (twice !== undefined) throw new UserError(`--policies: '${twice}' stands twice; leave one out`);
  return policies;
}

/** Model and trace as `moeprof run` finds them. */
function runOf(flags: Flags): RunSpec {
  const overrides = routingOverrides(flags);
  const named = flags.model !== undefined || flags.trace.length > 0;
  return named ? checkRun({}, 'moeprof curve', overrides) : loadRun('quickstart', overrides);
}

async function needsPopularity(policies: readonly PolicyChoice[]): Promise<boolean> {
  for (const policy of policies) {
    const { definition, parameters } = await resolvePolicy(policy);
    if (policyNeeds(definition, parameters).includes('popularity')) return true;
  }
  return false;
}

/** Activations by dense id, and in words where they are from. */
async function popularityFor(source: string | undefined, inputs: Inputs, run: RunSpec): Promise<{ counts: Float64Array; source: string }> {
  const { model } = inputs;
  const { popularity, words } = await countedOn(source, inputs, run);
  const counts = new Float64Array(model.experts);
  if (popularity.counts.length !== model.layers.length) {
    throw new UserError(
      `${popularity.path}: counts ${popularity.counts.length} layers, ${model.name} has ${model.layers.length} MoE layers; take counts of this model`,
    );
  }
  for (const layer of model.layers) counts.set(popularity.counts[layer.index]!.subarray(0, layer.experts), layer.offset);
  return { counts, source: words };
}

/** What is counted: the replayed tokens where nothing is said, else so many others (see `profiling.ts`), or a file. */
async function countedOn(source: string | undefined, inputs: Inputs, run: RunSpec): Promise<{ popularity: Popularity; words: string }> {
  const { model, trace } = inputs;
  if (source === undefined || source === 'the replayed tokens') {
    const popularity = popularityOf(trace, 0, replayedRows(inputs, run));
    return { popularity, words: 'the replayed tokens themselves, in hindsight' };
  }
  if (/^\d/.test(source) && !isPath(source)) {
    const tokens = parseCount(source, '--popularity');
    if (tokens === 0) throw new UserError(`--popularity: '${source}' counts nothing; write at least 1, or name a file`);
    const { from, to, trace: counted } = await profiledRows(inputs, run, tokens);
    return { popularity: popularityOf(counted, from, to), words: profiledPart(inputs, run, tokens).words };
  }
  const popularity = await openPopularity(isPath(source) ? source : findProfile('traces', source), { model });
  return { popularity, words: popularity.path };
}
