// Requests of given lengths, walked by a scheduler with a clock of the test's own.
import { Random } from '../../src/base/random.js';
import { findScheduler, parseScheduler } from '../../src/schedule/index.js';
import { KvRoom } from '../../src/schedule/kv-room.js';
import { Pass } from '../../src/schedule/pass.js';
import { Passes } from '../../src/schedule/passes.js';
import { ClosedLoop, type Walk } from '../../src/schedule/workload.js';
import { TraceStore } from '../../src/trace/store.js';
import { PHASE, type RoutingTrace } from '../../src/trace/trace.js';

/** A trace of requests of these lengths, one layer, top-1: token t of the trace chooses expert t mod 50. */
export function traceOf(lengths: readonly { prefill: number; decode: number }[]): RoutingTrace {
  const store = new TraceStore({ path: 'lengths', layers: 1, topK: 1 });
  lengths.forEach(({ prefill, decode }, request) => {
    for (let position = 0; position < prefill + decode; position++) {
      store.seek(store.rows);
      store.ids[store.idsAt] = store.rows % 50;
      store.addRow(request, position, position < prefill ? PHASE.prefill : PHASE.decode);
    }
  });
  return store.finish([50], { model: null, format: 'test', synthetic: false, expertBytes: null, notes: {} });
}

/** A trace of requests with these token ids, all of them generated, one layer, top-1: each token chooses expert `id mod 50`. */
export function textOf(texts: readonly (readonly number[])[]): RoutingTrace {
  const store = new TraceStore({ path: 'texts', layers: 1, topK: 1, tokenIds: true });
  texts.forEach((ids, request) => {
    ids.forEach((id, position) => {
      store.seek(store.rows);
      store.ids[store.idsAt] = id % 50;
      store.tokenIds[store.tokenAt] = id;
      store.addRow(request, position, PHASE.decode);
    });
  });
  return store.finish([50], { model: null, format: 'test', synthetic: false, expertBytes: null, notes: {} });
}

/** Passes of a scheduler over a closed loop of these walks. */
export function passesOf(trace: RoutingTrace, walks: readonly Walk[], scheduler: string, batch: number, maxTokensPerPass = 512): Passes {
  const limits = { batch, maxTokensPerPass };
  const { name, parameters } = parseScheduler(scheduler);
  const definition = findScheduler(name);
  const running = definition.running?.(limits, parameters) ?? batch;
  const kv = new KvRoom(Number.POSITIVE_INFINITY);
  const context = { kv, paths: null, residency: null, random: new Random(1, 'test'), drafts: null };
  return new Passes(new ClosedLoop(walks, running), definition.create(limits, parameters, context), new Pass(trace, running), kv);
}
