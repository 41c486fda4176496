// The files of src in which a function is called while passes run, as V8 counts calls, are those that docs/architecture.md lists.
import { readFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector';
import { describe, expect, it } from 'vitest';
import { buildSimulation } from '../../src/engine/build.js';
import { openInputs } from '../../src/engine/inputs/inputs.js';
import { buildPasses } from '../../src/engine/passes.js';
import { planRun } from '../../src/engine/plan/run-plan.js';
import { changingMemoryOf } from '../../src/engine/serve/changing-memory.js';
import { runPasses } from '../../src/engine/serve/serve.js';
import { Meters } from '../../src/engine/watch/meters.js';
import { checkRun } from '../../src/system/load-run.js';

/** Counts calls from one `begin` to the next `files`. */
class Calls {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  }

  /** Takes the counts so far, which begins them anew. Inside its own process an inspector answers before `post` returns. */
  take(): Profiler.ScriptCoverage[] {
    let taken: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
      taken = result;
    });
    return taken;
  }

  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }
}

/** The files of src that run from the start of a run's first pass to the end of its last: one GPU, LRU, nothing prefetched, no bounds. */
async function filesOfPasses(): Promise<string[]> {
  const memory = { expertCache: '30%' };
  const system = { name: 'lru', cache: { policy: 'lru' } };
  const run = checkRun(
    { model: 'mini-mixtral-8x8l', hardware: 'rtx-4090', memory, system, workload: { tokens: 200 }, bounds: false },
    'test',
  );
  const inputs = await openInputs(run, {});
  const plan = { ...(await planRun(inputs, run)), record: null };
  const simulation = await buildSimulation(plan);
  const passes = buildPasses(plan, plan.workload, simulation.residency, simulation.paths);
  const meters = new Meters(plan, simulation, passes, {});
  const calls = new Calls();
  const watch = {
    started(startNs: number): void {
      if (passes.pass.number === 1) calls.take();
      meters.started(startNs);
    },
    ended: (startNs: number, endNs: number): void => meters.ended(startNs, endNs),
  };
  await runPasses(passes, simulation, changingMemoryOf(plan, passes, simulation), watch);
  const counted = calls.take();
  calls.close();
  simulation.close();
  for (const one of inputs.traces) one.close();
  expect(simulation.recorder.phase.hits).toBeGreaterThan(0);
  // Functions without a name are callbacks of others, and getters of exports that the test runner adds.
  const called = counted.filter(({ functions }) =>
    functions.some(({ functionName, ranges }) => functionName !== '' && ranges[0]!.count > 0),
  );
  return called.flatMap(({ url }) => /[/\\](src[/\\].*\.ts)$/.exec(url)?.[1]?.replaceAll('\\', '/') ?? []).sort();
}

describe('the list of one pass in docs/architecture.md', () => {
  const text = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  const list = /<!-- one pass -->\n([\s\S]*?)<!-- end of one pass -->/.exec(text)![1]!;
  const files = [...list.matchAll(/^\| `(src\/[^`]+)` \|/gm)].map(([, file]) => file!);

  it('has every file that runs during a pass, and no other', async () => {
    expect(files.toSorted()).toEqual(await filesOfPasses());
  });

  it('can be read in one sitting', () => {
    expect(files.length).toBeLessThanOrEqual(26);
    expect([files[0], files.at(-1)]).toEqual(['src/engine/serve/serve.ts', 'src/engine/watch/latency.ts']);
  });
});
