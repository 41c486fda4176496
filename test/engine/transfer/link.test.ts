// A link against lanes that are written down piece by piece, under random transfers, promotions, and lanes that are lost and come back.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { IDLE, Link } from '../../../src/engine/transfer/link.js';
import type { LinkSpec } from '../../../src/hardware/spec.js';
import { cases } from '../../cases.js';
import { ReferenceLink, type ReferenceTransfer } from '../reference-link.js';
import { wholeLink } from '../scenario.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

/** One layer whose routing becomes known: what the link becomes, what was on its way for it, what it demands, and what is prefetched. */
interface Step {
  /** Dense work before it. */
  readonly ns: number;
  readonly lanes: number;
  readonly share: number;
  /** Of the prefetches under way, every so many-th is promoted. */
  readonly promote: number;
  readonly demands: readonly { readonly bytes: number; readonly aheadNs: number }[];
  /** Started as lanes become free, while the event runs; a slot may be free so much later. */
  readonly prefetches: readonly { readonly bytes: number; readonly slotNs: number }[];
}

const bytes = fc.integer({ min: 1, max: 40 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    ns: fc.integer({ min: 0, max: 60 }),
    lanes: fc.integer({ min: 1, max: 4 }),
    share: fc.constantFrom(1, 1, 0.5, 0.25),
    promote: fc.integer({ min: 1, max: 4 }),
    demands: fc.array(fc.record({ bytes, aheadNs: fc.constantFrom(0, 0, 13) }), { maxLength: 4 }),
    prefetches: fc.array(fc.record({ bytes, slotNs: fc.constantFrom(0, 0, 0, 70) }), { maxLength: 5 }),
  }),
  { minLength: 1, maxLength: 12 },
);
const chunked = fc
  .record({
    nsPerByte: fc.constantFrom(1, 2, 4),
    latencyNs: fc.integer({ min: 0, max: 15 }),
    chunkBytes: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null }),
  })
  .map(({ chunkBytes, latencyNs, nsPerByte }): LinkSpec => wholeLink('h2d', nsPerByte, latencyNs, 4, chunkBytes));
const paths = fc
  .array(fc.record({ ns: fc.constantFrom(1, 2, 4), latencyNs: fc.integer({ min: 0, max: 40 }) }), { minLength: 4, maxLength: 4 })
  .map((all): LinkSpec => {
    const own = all.map(({ latencyNs, ns }) => ({ bandwidth: 1e9 / ns, latencyNs }));
    return { ...wholeLink('h2d', 1, 0, 4), paths: own, flows: 'single' };
  });

it('L10 carries what lanes that are written down carry, whatever is lost and comes back', () => {
  const seen = { restarts: 0, betweenChunks: 0, beforeItsSlot: 0, back: 0 };
  const property = fc.property(fc.oneof(chunked, paths), steps, (spec, all) => {
    const arrivals = new Float64Array(200);
    const link = new Link(spec, arrivals);
    const reference = new ReferenceLink(spec);
    const sizes: number[] = [];
    const underWay = new Map<number, ReferenceTransfer>();
    const newId = (size: number): number => sizes.push(size) - 1;
    /** Prefetches that have arrived are none any more. */
    const settle = (atNs: number): void => {
      for (let lane = 0; lane < 4; lane++) if (link.prefetchEndNs[lane]! <= atNs) link.prefetching[lane] = IDLE;
      link.placed.landed(atNs);
      for (const [id, { arrivalNs }] of underWay) if (arrivalNs <= atNs) underWay.delete(id);
    };
    const agree = (): void => {
      for (const [id, transfer] of underWay) assert.equal(arrivals[id], transfer.arrivalNs);
      for (const [lane, pieces] of reference.lanes.entries()) {
        if (lane < reference.live) assert.equal(link.freeNs(lane), reference.freeNs(pieces));
        for (const [i, { from }] of pieces.entries()) if (i > 0) assert.ok(from >= pieces[i - 1]!.to);
      }
      const { busyNs, restarts } = link;
      assert.deepEqual({ busyNs, restarts }, { busyNs: reference.count.busyNs, restarts: reference.count.restarts });
    };
    let nowNs = 0;
    for (const { demands, lanes, ns, prefetches, promote, share } of all) {
      nowNs += ns;
      settle(nowNs);
      seen.back += Number(lanes > reference.live);
      seen.beforeItsSlot += [...underWay.values()].filter(({ pieces }) => pieces[0]!.from > nowNs).length;
      link.throttle(share);
      reference.share = share;
      link.keepLanes(lanes, nowNs);
      reference.keepLanes(lanes, nowNs, (id) => sizes[id]!);
      agree();
      let endNs = nowNs;
      for (const [k, [id, transfer]] of [...underWay].entries()) {
        if (k % promote > 0) continue;
        link.promote(id);
        transfer.yields = false;
        endNs = Math.max(endNs, transfer.arrivalNs);
      }
      for (const { aheadNs, bytes: size } of demands) {
        const id = newId(size);
        assert.equal(link.peek(size, nowNs + aheadNs), reference.arrivalOfDemand(size, nowNs + aheadNs));
        const { arrivalNs } = reference.demand(id, size, nowNs + aheadNs);
        assert.equal(link.demand(id, size, nowNs + aheadNs), arrivalNs);
        endNs = Math.max(endNs, arrivalNs);
      }
      for (const { bytes: size, slotNs } of prefetches) {
        const startNs = Math.max(nowNs, link.freeNs(link.nextLane()));
        if (startNs >= endNs) break;
        settle(startNs);
        const id = newId(size);
        // Which of several paths are free is told by the moment at which it is placed.
        const placedNs = startNs + (spec.paths === undefined ? slotNs : 0);
        link.prefetch(link.nextLane(), id, size, placedNs);
        underWay.set(id, reference.prefetch(id, size, placedNs));
      }
      agree();
      nowNs = endNs;
      settle(nowNs);
      assert.equal(link.busyBy(nowNs), reference.busyBy(nowNs));
      seen.betweenChunks += reference.lanes.flat().filter(({ chunk }, i, pieces) => chunk && pieces[i + 1]?.chunk === false).length;
    }
    seen.restarts += link.restarts;
  });
  fc.assert(property, { seed: 10, numRuns: cases(400) });
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0);
});
