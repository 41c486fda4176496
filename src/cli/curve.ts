// `moeprof curve`: hit rate against capacity for many policies, from one read of the trace.

import { type Command, Option } from 'commander';
import { UserError } from '../base/errors.js';
import { availableParallelism } from '../base/host/machine.js';
import { parseCount } from '../base/units.js';
import { QUOTAS } from '../cache/layer-quotas.js';
import { CURVE_POLICIES, CURVE_POPULARITY, type Curve, type CurveSettings, curveOfRun, curveReports } from '../capacity/door.js';
import { checkRun, loadRun, type RunSpec } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { addRoutingOptions, jobsOption, parseJobs, scopeOption, seedOption, tokensOption } from './kit/options.js';
import { addOutputOptions, addPictureOptions, deliver, type OutputOptions } from './kit/outputs.js';
import { watched } from './kit/watched.js';
import { listed } from './listed.js';
import { type RoutingFlags, routingOverrides } from './run-options.js';

interface Flags extends RoutingFlags, OutputOptions, Omit<CurveSettings, 'policies' | 'warmup' | 'threads'> {
  readonly policies: string;
  readonly warmup: string;
  readonly jobs?: string;
}

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  addRoutingOptions(command.optionsGroup('What is asked:'))
    .addOption(tokensOption())
    .option('--warmup <n>', 'tokens at the start that fill the caches and are not counted', '0')
    .optionsGroup('What answers:')
    .option('--policies <list>', 'policies, e.g. lru,s3-fifo:small=0.2,./mine.mjs', CURVE_POLICIES.join())
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
      'for static placement: tokens that are not replayed, a trace or counts, or "replayed": in hindsight',
      CURVE_POPULARITY,
    )
    .option('--at <size>', 'capacity for the verdict', 'the knee')
    .addOption(seedOption().default('1'))
    .addOption(jobsOption('threads that compute'));
  addPictureOptions(addOutputOptions(command, curveReports)).action(async (flags: Flags) => {
    const threads = parseJobs(flags.jobs) ?? availableParallelism();
    await deliver(context, curveReports, flags, () => draw(flags, threads, context), flags.trace);
  });
}

async function draw(flags: Flags, threads: number, context: CliContext): Promise<Curve> {
  const settings = {
    ...flags,
    policies: splitPolicies(flags.policies),
    warmup: parseCount(flags.warmup, '--warmup'),
    at: flags.at === 'the knee' ? undefined : flags.at,
    threads,
  };
  const note = (text: string): void => context.note(text);
  return watched(context, 'replaying', 'tokens', (watch) => curveOfRun(runOf(flags), settings, { ...watch, note }, '--'));
}

/**
 * Policies of a list, with their parameters.
 * @throws UserError where there is none, or one stands twice
 */
export function splitPolicies(text: string): string[] {
  const policies = listed(text).filter((part) => part !== '');
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
