import type { WorkWatch } from '../../base/work-watch.js';
import type { Passes } from '../../schedule/door.js';
import type { Simulation } from '../compose/simulation.js';
import type { ChangingMemory } from './changing-memory.js';

/** Passes between two calls of `breathe`. Ours. */
const STRIDE = 64;

/** Called for every pass. */
export interface PassWatch extends Pick<WorkWatch, 'breathe'> {
  started?(startNs: number): void;
  /** The pass has ended; its requests have not advanced yet. */
  ended(startNs: number, endNs: number): void;
}

/** Until the last request. @param memory divided before each pass; null: unchanged */
export async function runPasses(
  passes: Passes,
  { engine }: Pick<Simulation, 'engine'>,
  memory: ChangingMemory | null,
  watch: PassWatch,
): Promise<void> {
  const { pass } = passes;
  for (let nextNs = passes.next(0); nextNs >= 0; nextNs = passes.next(engine.nowNs)) {
    const startNs = memory === null ? nextNs : memory.settle(nextNs);
    engine.nowNs = startNs;
    watch.started?.(startNs);
    engine.run(pass);
    memory?.passed(engine.nowNs);
    watch.ended(startNs, engine.nowNs);
    passes.done(engine.nowNs);
    if (pass.number % STRIDE === 0) await watch.breathe?.();
  }
}
