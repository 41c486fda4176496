// A timeline is written as it comes: its memory does not depend on how long the run is.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { Gzip } from '../../../src/base/gzip.js';
import { Pass } from '../../../src/schedule/pass.js';
import { Request } from '../../../src/schedule/request.js';
import { TraceEvents } from '../../../src/timeline/events.js';
import { Timeline } from '../../../src/timeline/timeline.js';
import { EVERYTHING } from '../../../src/timeline/window.js';
import { composeEngine, traceOf } from '../../engine/harness.js';
import { wholeLink, wholeMachine } from '../../engine/scenario.js';
import { says, world } from '../../engine/world.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** Bytes that are still in use. */
const collected = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

describe('memory', () => {
  it('takes no more memory for a million events than for a hundred thousand', async () => {
    // Passes of one token that miss, prefetch rightly and wrongly, and evict: some 20 events each.
    const scenario = world({
      layers: [{ denseNs: 5 }, { denseNs: 5 }],
      topK: 1,
      hardware: wholeMachine([wholeLink('h2d', 1, 0, 1, 4)]),
      capacityBytes: 30,
      passes: [0, 1, 2, 3].map((expert) => [[[expert], [expert]]]),
      script: { ...says({}), score: (pass, _after, id) => ((pass * 7 + id) % 4) / 4 },
    });
    const composed = await composeEngine(scenario);
    const { engine, gpu, dram } = composed;
    const gzip = new Gzip(() => undefined);
    const events = new TraceEvents((text) => gzip.write(Buffer.from(text)));
    const timeline = new Timeline({ model: scenario.model, gpus: [{ gpu, dram }], window: EVERYTHING, events });
    engine.observe(timeline);
    const request = new Request({ index: 0, start: 0, prefill: 0, decode: 4, arrivalNs: 0 });
    const pass = new Pass(traceOf(scenario), 1);
    const heapAt: number[] = [];
    let most = 0;
    for (const goal of [100_000, 1_000_000]) {
      while (events.written < goal) {
        request.done = pass.number % 4;
        pass.fill([{ request, tokens: 1 }]);
        engine.run(pass);
        if (pass.number % 1000 === 0) most = Math.max(most, collected());
      }
      heapAt.push(collected());
    }
    timeline.end();
    events.end({});
    expect(heapAt[1]! - heapAt[0]!).toBeLessThan(2 ** 20);
    expect(most - heapAt[0]!).toBeLessThan(4 * 2 ** 20);
  });
});
