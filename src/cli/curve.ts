import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { availableParallelism } from '../base/host/machine.js';
import { parseCount } from '../base/units.js';
import { QUOTAS } from '../cache/layer-quotas.js';
import { CURVE_POLICIES, CURVE_POPULARITY, type Curve, curveOfRun, curveReports } from '../capacity/door.js';
import { checkRun, loadRun, REPLAYS, type RunSpec } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { output, PICTURES } from './kit/groups.js';
import { parseJobs } from './kit/options.js';
import { deliver } from './kit/outputs.js';
import { watched } from './kit/watched.js';
import { listed } from './listed.js';
import { ROUTING, routingOverrides } from './run-options.js';

const CURVE = options({
  'What is asked:': '',
  ...ROUTING,
  '--tokens <n>': 'tokens to replay, from the start of each trace',
  '--warmup <n>': ['tokens at the start that fill the caches and are not counted', { default: '0' }],
  'What answers:': '',
  '--policies <list>': ['policies, e.g. lru,s3-fifo:small=0.2,./mine.mjs', { default: CURVE_POLICIES.join() }],
  '--capacities <list>': ['sizes and ranges: 1%..100%, 5%..50%:10, 8GiB, 16/layer', { default: '5%..100%' }],
  '--scope <scope>': ['one cache for all layers, or one per layer', { choices: ['global', 'layer'], default: 'global' }],
  '--replay <replay>': ['an event is a token at a layer, or a single activation', { choices: REPLAYS, default: 'atomic' }],
  '--quotas <quotas>': ['how a capacity is split over layers, with --scope layer', { choices: QUOTAS, default: 'even' }],
  '--popularity <source>': [
    'for static placement: tokens that are not replayed, a trace or counts, or "replayed": in hindsight',
    { default: CURVE_POPULARITY },
  ],
  '--at <size>': ['capacity for the verdict', { shown: 'the knee' }],
  '--seed <n>': ['seed of everything that is drawn', { default: '1' }],
  '-j, --jobs <n>': 'threads that compute at a time (default: the machine’s cores)',
  ...output(curveReports),
  ...PICTURES,
});

type Flags = OptionsOf<typeof CURVE>;

/** Help. */
export const help = `Examples:
  moeprof curve                                   the bundled quick start
  moeprof curve -t routing.safetensors --scope layer
  moeprof curve -t routing.safetensors --policies lru,arc,./mine.mjs,belady
  moeprof curve -t routing.safetensors --capacities 5%..50%:10,12GiB --at 12GiB
  moeprof curve -t routing.safetensors --scope layer --quotas optimal --json

Policies and their parameters: moeprof profiles list policy`;

/** `moeprof curve`. */
export function define(command: Command, context: CliContext): void {
  declared(command, CURVE, { first: ['-m', '-t', '--policies', '--capacities', '--at', '-o'] }).action(async (flags: Flags) => {
    const threads = parseJobs(flags.jobs) ?? availableParallelism();
    await deliver(context, curveReports, flags, () => draw(flags, threads, context), flags.trace);
  });
}

async function draw(flags: Flags, threads: number, context: CliContext): Promise<Curve> {
  const { at, capacities, popularity, quotas, replay, scope } = flags;
  const settings = {
    at,
    capacities,
    popularity,
    quotas,
    replay,
    scope,
    policies: splitPolicies(flags.policies),
    warmup: parseCount(flags.warmup, '--warmup'),
    threads,
  };
  return watched(context, 'replaying', 'tokens', (watch) => curveOfRun(runOf(flags), settings, watch, '--'));
}

/** @throws UserError for an empty list or a repeated policy */
export function splitPolicies(text: string): string[] {
  const policies = listed(text).filter((part) => part !== '');
  if (policies.length === 0) throw new UserError('--policies: names none; write e.g. --policies lru,belady');
  const twice = policies.find((policy, index) => policies.indexOf(policy) !== index);
  if (twice !== undefined) throw new UserError(`--policies: '${twice}' stands twice; leave one out`);
  return policies;
}

function runOf(flags: Flags): RunSpec {
  const overrides = routingOverrides(flags, { seed: flags.seed, tokens: flags.tokens });
  const named = flags.model !== undefined || flags.trace.length > 0;
  return named ? checkRun({}, 'moeprof curve', overrides) : loadRun('quickstart', overrides);
}
