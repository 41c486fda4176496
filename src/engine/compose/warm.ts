import type { NextUse } from '../../cache/next-use/next-use.js';
import { WholeEvents } from '../../cache/whole-events.js';
import { trainedOn } from '../../predict/predictor.js';
import type { Pass } from '../../schedule/door.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { ExpectedUse } from '../lookahead/expected-use.js';
import { EventDemand, gatherGates } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

interface Warmed extends Pick<Gpu, 'clock' | 'dram' | 'gpu' | 'model'> {
  /** Gate weights of the running layer; null: unused by policies. */
  readonly gates: Float32Array | null;
  readonly learned: NextUse | null;
  /** Expected next uses, predictions included; null: unused by policies. */
  readonly expectedUse: ExpectedUse | null;
}

/** Before the run, `traces` pass through the caches by request, on demand, untimed and uncounted. */
export function warmUp({ clock, dram, expectedUse, gates, gpu, learned, model }: Warmed, traces: readonly RoutingTrace[]): void {
  const demand = new EventDemand(model);
  const { ids } = demand;
  const whole = WholeEvents.of(gpu.byLayer, model);
  const observe = (pass: Pass, layer: number): void => {
    if (layer === 0) clock.pass++;
    clock.layer = layer;
    clock.event++;
    const size = demand.gather(pass, layer);
    if (gates !== null) gatherGates(pass, layer, model.layers[layer]!, gates);
    learned?.demanded(layer, ids, size);
    expectedUse?.done(layer);
    whole?.demanded(layer, pass, layer * pass.topK, pass.row);
    for (const tier of dram === null ? [gpu] : [dram, gpu]) {
      for (let i = 0; i < size; i++) tier.pin(ids[i]!);
      tier.serve(ids, size, layer);
      tier.unpinAll(ids, size);
    }
  };
  trainedOn({ observe }, traces);
  gpu.warmed();
  dram?.warmed();
}
