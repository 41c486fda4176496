// The runs of a plan: systems and machines whose cache size is searched, conditions, and one search over all. Command and library share it; each
// executes the runs.

import { orUserError, UserError, userErrorOf } from '../../base/errors.js';
import { isStdin } from '../../base/profiles.js';
import type { WorkWatch } from '../../base/work-watch.js';
import type { Override } from '../../base/yaml.js';
import { judgeResult, judgeUnmatched } from '../../compare/judge.js';
import { hardwareOf } from '../../engine/inputs/inputs.js';
import { simulateRun } from '../../engine/simulate.js';
import { leastGpuRoom } from '../../hardware/door.js';
import { type Budget, matches, parseAssertion } from '../../result/budget.js';
import type { Result } from '../../result/result.js';
import { checkRun, type RunInput, type RunSpec } from '../../system/door.js';
import {
  CapacitySearch,
  lackOf,
  neededBytes,
  type Placing,
  type Plan,
  type Probe,
  placingOf,
  planOf,
  type RefusedPlacing,
} from './plan.js';

/** The condition on requests with objectives, by default. */
const ATTAINED = 'goodput.attained >= 99%';

/** One system on one machine while the search goes on. */
interface PlanCandidate extends Pick<Placing, 'system' | 'hardware' | 'gpuBytes'> {
  readonly search: CapacitySearch;
  readonly probes: Probe[];
  runWith(percent: number): RunSpec;
}

/** Values of a run that a plan sets. */
export function planOverrides(percent: number): Override[] {
  return [
    { path: ['memory', 'expertCache'], value: `${percent}%`, label: 'plan' },
    // Nothing of a plan needs the bounds, which take as long as the runs.
    { path: ['bounds'], value: false, label: 'plan' },
  ];
}

/**
 * A system on a machine whose cache is searched.
 * @param runWith the run with a cache of a given percentage of the experts
 * @param named the names of system and machine, for one that cannot run @throws UserError if the trace can be read only once
 */
export function planCandidate(
  named: Pick<RefusedPlacing, 'system' | 'hardware'>,
  runWith: (percent: number) => RunSpec,
): PlanCandidate | RefusedPlacing {
  const candidate = orUserError(() => checkedCandidate(runWith));
  if (!(candidate instanceof UserError)) return candidate;
  return { ...named, reason: candidate.message };
}

/** @throws UserError if the cache of the system cannot be larger or smaller */
function checkedCandidate(runWith: (percent: number) => RunSpec): PlanCandidate {
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

/**
 * Searches the least cache of each candidate that keeps what must hold.
 * @param assertions as in `latency.tpot.p99 <= 40ms`; with an objective, most requests must keep it too
 * @param runAll results or errors, in the order of the runs
 * @throws UserError if there is no condition, a metric does not exist, or nothing can run
 */
export async function planRuns(
  named: readonly (PlanCandidate | RefusedPlacing)[],
  assertions: readonly string[],
  runAll: (runs: readonly RunSpec[]) => Promise<(Result | UserError)[]>,
): Promise<Plan> {
  const refused = named.filter((placing): placing is RefusedPlacing => 'reason' in placing);
  let candidates = named.filter((placing): placing is PlanCandidate => !('reason' in placing));
  if (candidates.length === 0) throw new UserError(refused[0]!.reason);
  const { slo } = candidates[0]!.runWith(100).workload;
  const conditions = conditionsOf(assertions, slo !== undefined);
  for (;;) {
    const asked = candidates.flatMap((candidate) => candidate.search.next().map((percent) => ({ candidate, percent })));
    if (asked.length === 0) break;
    const results = await runAll(asked.map(({ candidate, percent }) => candidate.runWith(percent)));
    for (const [i, { candidate, percent }] of asked.entries()) {
      const result = results[i]!;
      const reason = result instanceof UserError ? result.message : hostLackOf(candidate, { percent, broken: [], result });
      if (result instanceof UserError || reason !== null) {
        const { hardware, system } = candidate;
        if (candidates.includes(candidate)) refused.push({ system, hardware, reason: reason! });
        candidates = candidates.filter((other) => other !== candidate);
        continue;
      }
      const broken = brokenOf(result, conditions);
      candidate.probes.push({ percent, broken, result });
      candidate.search.add(percent, broken.length === 0);
    }
  }
  if (candidates.length === 0) throw new UserError(refused[0]!.reason);
  return planOf(
    conditions.map(({ text }) => text),
    slo?.text ?? null,
    candidates.map((candidate) => placingOf(candidate, candidate.probes, candidate.search)),
    refused,
  );
}

/**
 * The GPU memory that keeps all conditions, by system and machine: `moeprof plan`. @throws UserError if nothing must hold, or something is unknown
 * @param input a run profile; 99 % of the requests must keep its objective (`workload.slo`) unless `holds` sets another share
 * @param options `holds`: conditions such as `speed.decode >= 30`; `systems` and `machines` instead of those of the run
 */
export async function planFor(
  input: RunInput,
  {
    holds = [],
    systems,
    machines,
    ...watch
  }: WorkWatch & { readonly holds?: readonly string[]; readonly systems?: readonly string[]; readonly machines?: readonly string[] },
): Promise<Plan> {
  const each = (values: readonly string[] | undefined, path: string): Override[][] =>
    values === undefined ? [[]] : values.map((value) => [{ path: [path], value, label: path }]);
  const candidates = each(systems, 'system').flatMap((system) =>
    each(machines, 'hardware').map((machine) =>
      planCandidate({ system: String(system[0]?.value ?? ''), hardware: String(machine[0]?.value ?? '') }, (percent) =>
        checkRun(input, 'plan', [...system, ...machine, ...planOverrides(percent)]),
      ),
    ),
  );
  return planRuns(candidates, holds, async (runs) => {
    const results: (Result | UserError)[] = [];
    for (const run of runs) results.push(await simulateRun(run, watch).catch(userErrorOf));
    return results;
  });
}

/** What host memory cannot hold while the GPU can, which no cache size changes, and what would; null: it holds all. */
function hostLackOf({ gpuBytes, hardware }: PlanCandidate, probe: Probe): string | null {
  const lack = neededBytes(probe) > gpuBytes ? null : lackOf(probe);
  return lack === null ? null : `${lack.replace(/\.$/, '')}; name a drive (-w ${hardware}+nvme-7GB/s), or take more memory or fewer bits`;
}

function conditionsOf(assertions: readonly string[], objective: boolean): Budget[] {
  const texts = [...assertions];
  if (objective && !texts.some((text) => text.includes('goodput.'))) texts.push(ATTAINED);
  if (texts.length === 0) {
    throw new UserError("nothing says what must hold; write e.g. --slo tpot=20ms, or --assert 'speed.decode >= 30'");
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
