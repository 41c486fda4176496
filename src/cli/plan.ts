import type { Command } from 'commander';
import { type Plan, planCandidate, planOverrides, planReports, planRuns } from '../advise/door.js';
import { EXIT, UserError } from '../base/errors.js';
import type { Override } from '../base/yaml.js';
import type { Result } from '../result/result.js';
import { equalFooting } from '../study/door.js';
import type { RunSpec } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { output, PICTURES, RUN_JOBS, TIMING } from './kit/groups.js';
import { parseJobs } from './kit/options.js';
import { deliver } from './kit/outputs.js';
import { learnerOf } from './machine/learned.js';
import { type Combination, combinationsOf } from './run-many.js';
import { RUN, runOf } from './run-options.js';

const PLAN = options({
  '[profile]': 'run profile: a YAML file or a bundled name; without it and without -m -t -w -s, the quick start',
  'What must hold (or --slo):': '',
  '--assert <condition>...': "e.g. 'latency.tpot.p99 <= 40ms' (moeprof explain lists metrics); repeatable",
  ...RUN_JOBS,
  ...TIMING,
  ...RUN,
  ...output(planReports),
  ...PICTURES,
});

type PlanOptions = OptionsOf<typeof PLAN>;

/** Help. */
export const help = `Examples:
  moeprof plan -t routing.safetensors -w rtx-4090 --slo tpot=20ms
  moeprof plan -t routing.safetensors -w t4,rtx-3090,rtx-4090 --slo tpot=20ms
  moeprof plan -t routing.safetensors -s on-demand-lru,fiddler \\
    --assert 'speed.decode >= 30'
  moeprof plan my-run.yaml --assert 'latency.tpot.p99 <= 40ms' -o plan.md

Without -s and a profile that names a system, the baseline on-demand-lru
answers, which loads each miss. Answers are to a whole percent of the experts,
from 13 runs or fewer for each system and machine. Exit code 1: nothing that was
asked about fits.`;

/** `moeprof plan`: GPU memory for a service level, by system and machine. */
export function define(command: Command, context: CliContext): void {
  declared(command, PLAN, { first: ['-m', '-t', '-w', '--slo', '--assert', '-o'] }).action(
    async (profile: string | undefined, options: PlanOptions) => {
      const threads = parseJobs(options.jobs);
      const judged = async (): Promise<Plan> => {
        const plan = await planOf(profile, options, threads, context);
        if (!plan.placings.some(({ fits }) => fits)) context.setExitCode(EXIT.gateFailed);
        return plan;
      };
      await deliver(context, planReports, options, judged, options.trace);
    },
  );
}

async function planOf(profile: string | undefined, options: PlanOptions, threads: number | undefined, context: CliContext): Promise<Plan> {
  if (options.cache !== undefined) throw new UserError('--cache: its size is what a plan finds; leave it out');
  const all = combinationsOf(options);
  const runAt = ({ hardware, system }: Combination, overrides: readonly Override[]) =>
    runOf(profile, { ...options, system, hardware }, overrides);
  const alike = await equalFooting(all.map((chosen) => () => runAt(chosen, [])));
  const learnedOf = learnerOf(context, options.timing);
  const candidates: ReturnType<typeof planCandidate>[] = [];
  for (const chosen of all) {
    const { learned } = await learnedOf(runAt(chosen, []));
    const names = { system: chosen.system ?? '', hardware: chosen.hardware ?? '' };
    const at = (percent: number): RunSpec => runAt(chosen, [...planOverrides(percent), ...alike]);
    candidates.push(planCandidate(names, (percent) => (learned === undefined ? at(percent) : { ...at(percent), learned })));
  }
  const { runEach } = await import('./run-pool.js');
  return planRuns(candidates, options.assert, async (runs) => {
    const outcomes = new Array<Result | UserError>(runs.length);
    await runEach(runs.length, runs, context, { threads }, (index, settled) => {
      if (settled.status === 'failed') throw settled.error;
      outcomes[index] = settled.status === 'done' ? settled.result : settled.error;
      return false;
    });
    return outcomes;
  });
}
