// What an observer sees of several GPUs: on each, what is executed and what is waited for fill events without a gap; exchanges frame them.
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { Observer } from '../../../src/engine/transfer/observer.js';
import { cases } from '../../cases.js';
import { runParallel } from './harness.js';
import { parallelScenarios } from './scenario.js';

vi.setConfig({ testTimeout: 60_000 });

interface Piece {
  readonly from: number;
  readonly to: number;
}

class Watcher implements Observer {
  /** By GPU: executions and stalls, in the order in which they were told. */
  readonly pieces: Piece[][] = [];
  readonly exchanges: (Piece & { readonly back: boolean })[] = [];
  readonly ids = new Set<number>();
  judgedMembers = 0;
  executedNs = 0;
  denseNs = 0;

  judged(_layer: number, hits: number, late: number, misses: number): void {
    this.judgedMembers += hits + late + misses;
  }
  executed(id: number, _layer: number, from: number, to: number, gpu?: number): void {
    this.ids.add(id);
    this.executedNs += to - from;
    this.#add(gpu!, { from, to });
  }
  stalled(_id: number, _layer: number, from: number, to: number, gpu?: number): void {
    this.#add(gpu!, { from, to });
  }
  exchanged(_layer: number, from: number, to: number, back: boolean): void {
    this.exchanges.push({ from, to, back });
  }
  dense(_layer: number, from: number, to: number): void {
    this.denseNs += to - from;
  }
  passStarted(): void {}
  passEnded(): void {}
  planned(): void {}
  transferred(): void {}
  prefetchUsed(): void {}
  computedOnCpu(): void {}
  evicted(): void {}

  #add(gpu: number, piece: Piece): void {
    (this.pieces[gpu] ??= []).push(piece);
  }
}

it('fills the events of every GPU, and exchanges follow one another', () =>
  fc.assert(
    fc.asyncProperty(parallelScenarios, async (scenario) => {
      const watcher = new Watcher();
      const { counters, engine, recorder } = await runParallel(scenario, (composed) => composed.engine.observe(watcher));
      const eventsNs = engine.nowNs - watcher.denseNs;
      for (let gpu = 0; gpu < scenario.gpus; gpu++) {
        const pieces = watcher.pieces[gpu] ?? [];
        for (let i = 1; i < pieces.length; i++) expect(pieces[i]!.from).toBeGreaterThanOrEqual(pieces[i - 1]!.to);
        expect(pieces.reduce((sum, { from, to }) => sum + to - from, 0)).toBeCloseTo(eventsNs, 6);
      }
      const { exchanges } = watcher;
      for (let i = 1; i < exchanges.length; i++) expect(exchanges[i]!.from).toBeGreaterThanOrEqual(exchanges[i - 1]!.to);
      // Weights that were gathered are not sent back.
      const gathers = exchanges.length - 2 * exchanges.filter(({ back }) => back).length;
      expect(gathers).toBeGreaterThanOrEqual(0);
      expect(gathers).toBeLessThanOrEqual(counters.gathered);
      if (scenario.interconnect.latencyNs > 0) expect(gathers).toBe(counters.gathered);
      const computeNs = recorder.layers.computeNs.reduce((sum, ns) => sum + ns, 0);
      if (counters.degrees === counters.events) expect(watcher.executedNs).toBeCloseTo(computeNs, 6);
      else expect(watcher.executedNs).toBeGreaterThanOrEqual(computeNs - 1e-6);
      expect(watcher.judgedMembers).toBe(recorder.layers.demanded.reduce((sum, count) => sum + count, 0));
      expect([...watcher.ids].every((id) => id < scenario.model.experts)).toBe(true);
    }),
    { seed: 7, numRuns: cases(150) },
  ));
