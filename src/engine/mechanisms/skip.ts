import { MissService } from '../event/service.js';
import type { Mechanism, RunPart } from './mechanism.js';

/** L13 `skip`: the member's activations are left out. */
class Skip extends MissService {
  override readonly keeps = false;

  override reads(): boolean {
    return false;
  }

  serve(layer: number, i: number): boolean {
    const { event, gpu } = this.placing;
    this.placing.passBy(i, layer);
    gpu.recorder.skippedExperts++;
    gpu.recorder.skippedActivations += event.demand.counts[i]!;
    return true;
  }
}

/** Skipping in a run. */
export const skipping = (): RunPart => ({
  on: () => ({ service: (placing, rule) => (rule.do === 'skip' ? new Skip(placing) : null) }),
});

/** Misses left out. */
export const SKIP: Mechanism = {
  name: 'skip',
  law: 'L13',
  inRun: ({ rules }) => (rules.some((rule) => rule.do === 'skip') ? skipping() : null),
};
