// L7: sequential replay gives libCacheSim's miss ratios. The golden table is made again by
//   CACHESIM=/path/to/cachesim node test/claims/conformance/libcachesim.mjs
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DemandLog, LogCursor } from '../../../src/cache/demand.js';
import { Future } from '../../../src/cache/future.js';
import { parsePolicy, resolvePolicy } from '../../../src/cache/policies/index.js';
import type { Clock } from '../../../src/cache/policy.js';
import { buildCaches } from '../../../src/cache/scope.js';
import { DemandReplay } from '../../cache/demand-replay.js';
import { toyModel } from '../../cache/fixtures.js';
import { RowCursor } from '../../cache/row-cursor.js';
import { Routing, SHAPES } from './routing.mjs';

type Trace = 'fine' | 'coarse';
const TOKENS: Record<Trace, number> = { fine: 6250, coarse: 18750 };
const golden = JSON.parse(readFileSync(new URL('./golden-libcachesim.json', import.meta.url), 'utf8')) as Record<
  Trace,
  Record<string, number[]>
>;

/** Policies whose published description leaves roundings open differ a little. */
const TOLERANCE: Readonly<Record<string, number>> = { 's3-fifo': 0.002, 'two-queue': 0.002 };

describe.each(['fine', 'coarse'] as const)('L7: sequential replay equals libCacheSim on the %s-grained trace', (name) => {
  const { layers, experts, topK, seed } = SHAPES[name];
  const model = toyModel(Array<number>(layers).fill(experts));
  const rows = { experts: new Uint16Array(TOKENS[name] * layers * topK) };
  new Routing({ layers, experts, topK, seed }).fill(rows.experts, TOKENS[name]);
  const log = new DemandLog(model, true);
  const cursor = new RowCursor(model, topK);
  cursor.open(rows, 0, TOKENS[name]);
  while (cursor.next()) log.append(cursor.layer, cursor.ids, cursor.count);

  it.each(Object.keys(golden[name]))('%s at 10, 25 and 50 %', async (spec) => {
    const { definition, parameters } = await resolvePolicy(parsePolicy(spec));
    const ratios = [0.1, 0.25, 0.5].map((share) => {
      const clock: Clock = { event: 0, pass: 0, layer: 0 };
      const needsFuture = definition.needs?.includes('future');
      const nextUse = needsFuture ? new Int32Array(model.experts) : null;
      const future = needsFuture ? new Future(log) : null;
      const capacityBytes = Math.ceil(share * model.experts);
      const caches = buildCaches({
        model,
        policy: definition,
        parameters,
        capacityBytes,
        scope: 'global',
        clock,
        seed: 1,
        nextUse: nextUse ?? undefined,
      });
      const replay = new DemandReplay(caches, clock, true, future, nextUse ?? undefined);
      replay.run(new LogCursor(log));
      future?.close();
      const counts = replay.counts();
      return counts.misses / counts.demanded;
    });
    const expected = golden[name][spec]!;
    for (let i = 0; i < ratios.length; i++) {
      // libCacheSim prints four digits: half a unit of the last one.
      expect(Math.abs(ratios[i]! - expected[i]!), `capacity ${i}: ${ratios[i]} against ${expected[i]}`).toBeLessThanOrEqual(
        TOLERANCE[spec] ?? 0.000_05 + 1e-9,
      );
    }
  });
});
