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

/** Default condition on requests with an objective. Ours. */
const ATTAINED = 'goodput.attained >= 99%';

interface PlanCandidate extends Pick<Placing, 'system' | 'hardware' | 'gpuBytes'> {
  readonly search: CapacitySearch;
  readonly probes: Probe[];
  runWith(percent: number): RunSpec;
}

/** Run values set by a plan. */
export function planOverrides(percent: number): Override[] {
  return [
    { path: ['memory', 'expertCache'], value: `${percent}%`, label: 'plan' },
    // Bounds take as long as the runs, and are not used.
    { path: ['bounds'], value: false, label: 'plan' },
  ];
}

/**
 * A system on a machine.
 * @param runWith run with a cache of `percent` % of the experts
 * @param named names for a refusal
 */
export function planCandidate(
  named: Pick<RefusedPlacing, 'system' | 'hardware'>,
  runWith: (percent: number) => RunSpec,
): PlanCandidate | RefusedPlacing {
  const candidate = orUserError(() => checkedCandidate(runWith));
  if (!(candidate instanceof UserError)) return candidate;
  return { ...named, reason: candidate.message };
}

/** @throws UserError if the trace is on stdin, or the system fixes its cache size */
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
 * Smallest sufficient cache of each candidate.
 * @param assertions e.g. `latency.tpot.p99 <= 40ms`; an objective adds its own
 * @param runAll returns results or errors in the order of the runs
 * @throws UserError without a condition, for an unknown metric, or if nothing can run
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
 * GPU memory that keeps all conditions: `moeprof plan`.
 * @param input run profile; 99 % of requests must keep its `workload.slo` unless `holds` sets another share
 * @param options `holds`: conditions such as `speed.decode >= 30`; `systems` and `machines` replace the run's
 * @throws UserError without a condition, or for an unknown name
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

/** Missing host memory, with remedies; null: no lack, or a GPU too small. */
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
  // Names are checked before any run.
  judgeUnmatched([], conditions);
  return conditions;
}

/** @throws UserError for a metric absent from the run */
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
