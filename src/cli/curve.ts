import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { availableParallelism } from '../base/host/machine.js';
import { parseCount } from '../base/units.js';
import { QUOTAS } from '../cache/layer-quotas.js';
import { CURVE_POLICIES, CURVE_POPULARITY, type Curve, type CurveSettings, curveOfRun, curveReports } from '../capacity/door.js';
import { checkRun, loadRun, type RunSpec } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { parseJobs, type Texts, type Words } from './kit/options.js';
import { deliver, type OutputOptions } from './kit/outputs.js';
import { watched } from './kit/watched.js';
import { listed } from './listed.js';
import { type RoutingFlags, RUN_WORDS, routingOverrides } from './run-options.js';

type Settings = Omit<CurveSettings, 'policies' | 'warmup' | 'threads'>;
type Flags = RoutingFlags & OutputOptions & Settings & Words<'policies' | 'warmup'> & Texts<'jobs'>;

/** `moeprof curve`: hit rate against capacity for many policies, in a single pass over the trace. */
export function define(command: Command, context: CliContext): void {
  const words = { ...RUN_WORDS, quotas: QUOTAS, policies: CURVE_POLICIES.join(), popularity: CURVE_POPULARITY };
  declared(command, 'curve', { words, formats: curveReports }).action(async (flags: Flags) => {
    const threads = parseJobs(flags.jobs) ?? availableParallelism();
    await deliver(context, curveReports, flags, () => draw(flags, threads, context), flags.trace);
  });
}

async function draw(flags: Flags, threads: number, context: CliContext): Promise<Curve> {
  const settings = { ...flags, policies: splitPolicies(flags.policies), warmup: parseCount(flags.warmup, '--warmup'), threads };
  const note = (text: string): void => context.note(text);
  return watched(context, 'replaying', 'tokens', (watch) => curveOfRun(runOf(flags), settings, { ...watch, note }, '--'));
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
  const overrides = routingOverrides(flags);
  const named = flags.model !== undefined || flags.trace.length > 0;
  return named ? checkRun({}, 'moeprof curve', overrides) : loadRun('quickstart', overrides);
}
