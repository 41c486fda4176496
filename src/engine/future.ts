import { DemandLog } from '../cache/demand.js';
import { Future } from '../cache/future.js';
import type { ModelSpec } from '../model/door.js';
import type { Pass, Passes } from '../schedule/door.js';
import type { Replay } from '../system/door.js';
import type { Dispatch } from './parallel/dispatch.js';
import { EventDemand } from './vocabulary/event.js';

/** Walks a pass's demand at a layer: an `append` per GPU and event. */
type DemandWalk = (pass: Pass, layer: number, append: (gpu: number, ids: Int32Array, size: number) => void) => void;

/** An event per layer, with `sequential` per activation (L7). */
export function walkOfOne(model: ModelSpec, replay: Replay): DemandWalk {
  const demand = new EventDemand(model);
  return (pass, layer, append) => {
    if (replay === 'atomic') {
      const size = demand.gather(pass, layer);
      if (size > 0) append(0, demand.ids, size);
      return;
    }
    const count = demand.list(pass, layer);
    for (let at = 0; at < count; at++) append(0, demand.listed.subarray(at, at + 1), 1);
  };
}

/** Demands of several GPUs. */
export function walkOfSeveral(dispatch: Dispatch): DemandWalk {
  return (pass, layer, append) => {
    dispatch.gather(pass, layer);
    for (const [gpu, { ids, size }] of dispatch.demands.entries()) if (size > 0) append(gpu, ids, size);
  };
}

/** For policies with foresight: passes are composed without running, and read backwards. */
export interface Futures {
  readonly futures: readonly Future[];
  close(): void;
}

/** @param models of each GPU's experts */
export function recordFutures(passes: Passes, models: readonly ModelSpec[], replay: Replay, walk: DemandWalk): Futures {
  const logs = models.map((model) => new DemandLog(model, replay === 'sequential'));
  for (let start = passes.next(0); start >= 0; start = passes.next(0)) {
    const { pass } = passes;
    for (let layer = 0; layer < pass.layers; layer++) walk(pass, layer, (gpu, ids, size) => logs[gpu]!.append(layer, ids, size));
    passes.done(0);
  }
  const futures = logs.map((log) => new Future(log));
  return {
    futures,
    close: () => {
      for (const future of futures) future.close();
      for (const log of logs) log.close();
    },
  };
}
