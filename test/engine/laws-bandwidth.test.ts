// Law L20: whatever lies where, no memory and no link delivers more than it can.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IDLE, Link } from '../../src/engine/transfer/link.js';
import { CostModel } from '../../src/hardware/cost.js';
import { joinGpus } from '../../src/hardware/several-gpus.js';
import type { HardwareSpec, LinkSpec } from '../../src/hardware/spec.js';
import { cases } from '../cases.js';
import { wholeLink, wholeMachine, wholeModel } from './scenario.js';

const ROUNDING = 1 + 1e-9;
const nsPerByte = fc.integer({ min: 1, max: 8 });
const latencyNs = fc.integer({ min: 0, max: 40 });
const lanes: fc.Arbitrary<LinkSpec> = fc
  .record({ nsPerByte, latencyNs, lanes: fc.integer({ min: 1, max: 4 }), chunkBytes: fc.option(fc.integer({ min: 1, max: 12 })) })
  .map((one) => wholeLink('h2d', one.nsPerByte, one.latencyNs, one.lanes, one.chunkBytes));
const paths: fc.Arbitrary<LinkSpec> = fc
  .record({ all: fc.array(fc.record({ nsPerByte, latencyNs }), { minLength: 2, maxLength: 4 }), split: fc.boolean() })
  .map(({ all, split }) => {
    const own = all.map((path) => ({ bandwidth: 1e9 / path.nsPerByte, latencyNs: path.latencyNs }));
    const bandwidth = own.reduce((sum, path) => sum + path.bandwidth, 0);
    return { ...wholeLink('h2d', 1, 0, split ? 1 : own.length), bandwidth, paths: own, flows: split ? 'split' : 'single' };
  });
const transfer = fc.record({ bytes: fc.integer({ min: 1, max: 60 }), afterNs: fc.integer({ min: 0, max: 50 }), ahead: fc.boolean() });
const cpu = fc.record({
  count: fc.integer({ min: 1, max: 4 }),
  numa: fc.constantFrom('expert' as const, 'tensor' as const, 'interleaved' as const),
  efficiency: fc.constantFrom(1, 0.68),
  nsPerByte,
  remoteNsPerByte: nsPerByte,
});

/** Arrivals of transfers on a link, in their order: demands, and prefetches that start when a lane is free. */
function arrivals(
  spec: LinkSpec,
  all: readonly { readonly bytes: number; readonly afterNs: number; readonly ahead: boolean }[],
): Float64Array {
  const at = new Float64Array(all.length);
  const link = new Link(spec, at);
  let nowNs = 0;
  for (const [id, { afterNs, ahead, bytes }] of all.entries()) {
    nowNs += afterNs;
    const lane = link.nextLane();
    for (let other = 0; other < link.lanes; other++) if (link.prefetchEndNs[other]! <= nowNs) link.prefetching[other] = IDLE;
    if (ahead && link.freeNs(lane) <= nowNs && link.prefetching[lane] === IDLE) link.prefetch(lane, id, bytes, nowNs);
    else link.demand(id, bytes, nowNs);
  }
  return at;
}

describe('L20 Conservation of bandwidth', () => {
  it('L20 a link has delivered at no moment more than its lanes or paths can by then', () => {
    const property = fc.property(fc.oneof(lanes, paths), fc.array(transfer, { minLength: 1, maxLength: 30 }), (spec, all) => {
      const at = arrivals(spec, all);
      for (const untilNs of at) {
        const bytes = all.reduce((sum, one, i) => (at[i]! <= untilNs ? sum + one.bytes : sum), 0);
        assert.ok(bytes <= (spec.bandwidth / 1e9) * untilNs * ROUNDING, `${bytes} bytes by ${untilNs} ns`);
      }
    });
    fc.assert(property, { seed: 20, numRuns: cases(2000) });
  });

  it('L20 a CPU reads experts no faster than the memories of all its sockets, however experts lie in them', () => {
    const model = wholeModel([{ experts: 4, bytes: 840, activationNs: 0, denseNs: 1 }], 1, 0);
    const seen = new Set<string>();
    const property = fc.property(cpu, ({ count, efficiency, nsPerByte: perByte, numa, remoteNsPerByte }) => {
      const interconnect = { bandwidth: 1e9 / remoteNsPerByte, latencyNs: 0 };
      const machine = wholeMachine([wholeLink('h2d', 1)]);
      const own = { ...machine.cpu!, memoryBandwidth: 1e9 / perByte };
      const sockets = { count, numa, efficiency, interconnect };
      const cost = new CostModel(model, { ...machine, cpu: count === 1 ? own : { ...own, sockets } });
      // Every queue reads an expert of its own at the same time.
      const bytesPerNs = (cost.cpuQueues * 840) / cost.cpuExpertNs(0, 1);
      assert.ok(bytesPerNs <= (count / perByte) * ROUNDING, `${bytesPerNs} of ${count / perByte} bytes a ns`);
      if (count > 1) seen.add(bytesPerNs > 1 / perByte ? `${numa}: faster than one` : numa);
    });
    fc.assert(property, { seed: 21, numRuns: cases(1000, 200) });
    for (const numa of ['expert', 'tensor', 'interleaved']) expect([...seen]).toContain(`${numa}: faster than one`);
  });

  it('L20 a GPU reads an expert no faster than its memory, and several GPUs no faster than theirs together', () => {
    const property = fc.property(fc.integer({ min: 2, max: 8 }), nsPerByte, nsPerByte, nsPerByte, (count, card, host, wire) => {
      const machine = wholeMachine([wholeLink('h2d', wire)]);
      const gpu = { ...machine.gpu, memoryBandwidth: 1e9 / card };
      const one: HardwareSpec = { ...machine, gpu, cpu: { ...machine.cpu!, memoryBandwidth: 1e9 / host } };
      const model = wholeModel([{ experts: 4, bytes: 840, activationNs: 0, denseNs: 840 }], 1, 0);
      assert.ok(840 / new CostModel(model, one).expertNs(0, 1) <= (1 / card) * ROUNDING);
      const several = joinGpus({ ...one, gpus: { count, interconnect: { bandwidth: 1e9, latencyNs: 0 } } }, 'tensor');
      const cost = new CostModel(model, several);
      assert.ok(840 / cost.expertNs(0, 1) <= (count / card) * ROUNDING);
      assert.ok(840 / cost.denseNs(0, 1, [0], [1], 1) <= (count / card) * ROUNDING);
      // Their links all read the same memory.
      const link = new Link(several.links[0]!, new Float64Array(1));
      assert.ok(840 / link.demand(0, 840, 0) <= Math.min(count / wire, 1 / host) * ROUNDING);
    });
    fc.assert(property, { seed: 22, numRuns: cases(1000) });
  });
});
