// `moeprof plan`: how much GPU memory a service level takes, by system and machine. Runs the same run with smaller and larger expert caches.
import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { isStdin } from '../base/profiles.js';
import { judgeResult, judgeUnmatched } from '../compare/judge.js';
import { hardwareOf } from '../engine/inputs.js';
import { leastGpuRoom } from '../explore/gpu-rooms.js';
import { CapacitySearch, type Plan, type Probe, placingOf, planOf } from '../explore/plan.js';
import { planReports } from '../explore/plan-report.js';
import { type Budget, matches, parseAssertion } from '../result/budget.js';
import type { Result } from '../result/result.js';
import type { RunSpec } from '../system/run.js';
import type { CliContext } from './context.js';
import { addOutputOptions, collect, jobsOption, type OutputOptions, parseJobs } from './options.js';
import { deliver } from './outputs.js';
import { combinationsOf } from './run-many.js';
import { addRunOptions, type RunFlags, runOf } from './run-options.js';

interface PlanOptions extends RunFlags, OutputOptions {
  readonly assert: readonly string[];
  readonly jobs?: string;
}

const EXAMPLES = `
Examples:
  moeprof plan -t routing.safetensors -w rtx-4090 --slo tpot=20ms
  moeprof plan -t routing.safetensors -w t4,rtx-3090,rtx-4090 --slo tpot=20ms
  moeprof plan -t routing.safetensors -s on-demand-lru,fiddler \\
    --assert 'speed.decode >= 30'
  moeprof plan my-run.yaml --assert 'latency.tpot.p99 <= 40ms' -o plan.md

Answers to a whole percent of the experts, from 13 runs or fewer for each
system and machine. Exit code 1: nothing that was asked about fits.
`;

/** What of the requests has to keep its objectives, where nobody says. */
const ATTAINED = 'goodput.attained >= 99%';

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command
    .argument('[profile]', 'run profile: a YAML file or a bundled name; without it and without -m -t -w -s, the quick start')
    .optionsGroup('What must hold (or --slo):')
    .option('--assert <condition>', "e.g. 'latency.tpot.p99 <= 40ms' (moeprof explain lists metrics); repeatable", collect, []);
  addRunOptions(command.addOption(jobsOption()));
  addOutputOptions(command, planReports)
    .addHelpText('after', EXAMPLES)
    .action(async (profile: string | undefined, options: PlanOptions) => {
      const threads = parseJobs(options.jobs);
      const judged = async (): Promise<Plan> => {
        const plan = await planFor(profile, options, threads, context);
        if (!plan.placings.some(({ fits }) => fits)) context.setExitCode(EXIT.gateFailed);
        return plan;
      };
      await deliver(context, planReports, options, judged, options.trace);
    });
}

/** One system on one machine while the search goes on. */
interface Candidate {
  readonly system: string;
  readonly hardware: string;
  readonly gpuBytes: number;
  readonly search: CapacitySearch;
  readonly probes: Probe[];
  runWith(percent: number): RunSpec;
}

async function planFor(profile: string | undefined, options: PlanOptions, threads: number | undefined, context: CliContext): Promise<Plan> {
  if (options.cache !== undefined) throw new UserError('--cache: its size is what a plan finds; leave it out');
  const candidates = combinationsOf(options).map(({ system, hardware }) => candidateOf(profile, { ...options, system, hardware }));
  const conditions = conditionsOf(options, candidates[0]!.runWith(100));
  const { runAll } = await import('./run-pool.js');
  for (;;) {
    const asked = candidates.flatMap((candidate) => candidate.search.next().map((percent) => ({ candidate, percent })));
    if (asked.length === 0) break;
    const results = await runAll(
      asked.map(({ candidate, percent }) => candidate.runWith(percent)),
      context,
      { threads },
    );
    for (const [i, { candidate, percent }] of asked.entries()) {
      const broken = brokenOf(results[i]!, conditions);
      candidate.probes.push({ percent, broken, result: results[i]! });
      candidate.search.add(percent, broken.length === 0);
    }
  }
  return planOf(
    conditions.map(({ text }) => text),
    candidates[0]!.runWith(100).workload.slo?.text ?? null,
    candidates.map((candidate) => placingOf(candidate, candidate.probes, candidate.search)),
  );
}

/** @throws UserError where the cache of the system cannot be larger or smaller */
function candidateOf(profile: string | undefined, options: PlanOptions): Candidate {
  const runWith = (percent: number): RunSpec =>
    runOf(profile, options, [
      { path: ['memory', 'expertCache'], value: `${percent}%`, label: 'plan' },
      // Nothing of a plan needs the bounds, which take as long as the runs.
      { path: ['bounds'], value: false, label: 'plan' },
    ]);
  const run = runWith(100);
  if (run.trace.some(isStdin)) throw new UserError('--trace -: a trace on stdin can be read only once; give it as a file');
  const { system } = run;
  const { capacity } = system.cache;
  if (capacity !== undefined) {
    throw new UserError(
      `--system: ${system.name} fixes its expert cache at ${capacity.text}, so that there is nothing to plan; take another system`,
    );
  }
  const hardware = hardwareOf(run);
  return {
    system: system.name,
    hardware: hardware.name,
    gpuBytes: leastGpuRoom(hardware),
    search: new CapacitySearch(),
    probes: [],
    runWith,
  };
}

/** @throws UserError where nothing must hold, or a metric does not exist */
function conditionsOf(options: PlanOptions, run: RunSpec): Budget[] {
  const texts = [...options.assert];
  if (run.workload.slo !== undefined && !texts.some((text) => text.includes('goodput.'))) texts.push(ATTAINED);
  if (texts.length === 0) {
    throw new UserError("says not what must hold; write e.g. --slo tpot=20ms, or --assert 'speed.decode >= 30'");
  }
  const conditions = texts.map((text) => parseAssertion(text));
  // Names are checked before anything runs.
  judgeUnmatched([], conditions);
  return conditions;
}

/** @throws UserError for a metric that such a run does not have */
function brokenOf(result: Result, conditions: readonly Budget[]): string[] {
  return conditions
    .filter((condition) => {
      const findings = judgeResult(result, [condition]);
      if (!Object.keys(result.metrics).some((name) => matches(condition.metric, name))) {
        throw new UserError(
          `--assert: this run has no ${condition.metric}; see moeprof explain ${condition.metric}, or name another metric`,
        );
      }
      return findings.length > 0;
    })
    .map(({ text }) => text);
}
