// What is drafted where a run does not say what drafting costs, nor how a state goes back: from the model, the machine and the runtime.
import { describe, expect, it } from 'vitest';
import { drafterBytes, draftingOf } from '../../../src/engine/inputs/drafting.js';
import type { HardwareSpec } from '../../../src/hardware/spec.js';
import { loadModel } from '../../../src/model/load/load.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { checkRun } from '../../../src/system/load-run.js';
import { textOf, traceOf } from '../../schedule/fixtures.js';
import { wholeLink, wholeMachine, wholeModel } from '../scenario.js';

const layers = [20, 40].map((denseNs) => ({ experts: 4, bytes: 10, activationNs: 0, denseNs }));
const model = wholeModel(layers, 2, 50);
const trace = traceOf([{ prefill: 0, decode: 9 }]);
const machine = wholeMachine([wholeLink('h2d', 4)], { passNs: 9 });
const drafting = (given: object, on: HardwareSpec = machine, of = model) =>
  draftingOf({ model: of, hardware: on, trace }, checkRun({ workload: { speculation: given as { draft: number } } }, 'test'));

describe('drafting', () => {
  it('takes a head on the GPU, by hand: a layer on average, the output layer and a pass', () => {
    // (20 + 40) / 2 of dense work, two experts of 10 bytes, 50 at the end, 9 a pass.
    expect(drafting({ draft: 2, acceptance: 0.5 })).toEqual({
      draft: 2,
      acceptances: [0.5, 0.25],
      drafterNs: 30 + 20 + 50 + 9,
      rollback: 'free',
    });
    expect(drafting({ draft: 2, acceptance: 0.5, drafter: 7, rollback: 'redo' })).toMatchObject({ drafterNs: 7, rollback: 'redo' });
    expect(drafting({ draft: 2, acceptance: 0.5, drafter: 0 })!.drafterNs).toBe(0);
    expect(drafting({ draft: 0 })).toBeNull();
  });

  it('takes a copy of the model whose experts take fewer bytes, by hand', () => {
    // 20 and 40 of dense work, two experts of 5 bytes at each layer, 50 at the end, 9 a pass; eight experts of 5 bytes in GPU memory.
    expect(drafting({ draft: 2, acceptance: 0.5, drafter: 'copy 50%' })!.drafterNs).toBe(60 + 20 + 50 + 9);
    const bytes = (given: object): number =>
      drafterBytes(model, checkRun({ workload: { speculation: given as { draft: number } } }, 'test').workload);
    expect(bytes({ draft: 2, acceptance: 0.5, drafter: 'copy 50%' })).toBe(40);
    expect(bytes({ draft: 2, acceptance: 0.5, drafter: 'copy' })).toBe(80);
    expect([bytes({ draft: 0, drafter: 'copy' }), bytes({ draft: 2, acceptance: 0.5, drafter: 7 })]).toEqual([0, 0]);
    expect(() => drafting({ draft: 2, acceptance: 0.5, drafter: 'copy 150%' })).toThrow(
      'test: workload.speculation.drafter: "copy 150%" is no drafter; write the time of a token, e.g. 1ms, ngram for drafts from the text, or copy 25% for the model in a copy of fewer bytes',
    );
  });

  it('looks a text up where the trace has one, for a microsecond a token and no memory', () => {
    const given = { draft: 4, drafter: 'ngram' };
    const { workload, ...run } = checkRun({ workload: { speculation: given } }, 'test');
    expect(draftingOf({ model, hardware: machine, trace: textOf([[1, 2]]) }, { ...run, workload })).toMatchObject({
      draft: 4,
      acceptances: null,
      drafterNs: 1000,
    });
    expect(drafterBytes(model, workload)).toBe(0);
    expect(() => drafting(given)).toThrow(
      'workload.speculation.drafter: ngram needs token ids, which lengths does not carry; give the time',
    );
    expect(() => drafting({ ...given, acceptance: 0.5 })).toThrow('stands beside drafter: ngram, and token ids say it; leave it out');
    expect(() => drafting({ ...given, found: 0.5 })).toThrow('workload.speculation.found');
  });

  it('is what the system says where the run says nothing', () => {
    const system = { name: 'x', speculation: { draft: 3, acceptance: 0.5, drafter: 7 } };
    const of = (workload: object) => draftingOf({ model, hardware: machine, trace }, checkRun({ system, workload }, 'test'));
    expect(of({})).toMatchObject({ draft: 3, drafterNs: 7 });
    expect(of({ speculation: { draft: 1, acceptance: 0.5, drafter: 2 } })).toMatchObject({ draft: 1, drafterNs: 2 });
    expect(of({ speculation: {} })).toBeNull();
  });

  it('runs accepted tokens again where layers are recurrent and the runtime keeps their state from before the pass', () => {
    const one = loadHardware('rtx-3090');
    const under = (runtime: string): HardwareSpec => ({
      ...one,
      software: { runtime, several: 'layers', offloadFrom: null, offloadCounts: 'pass', overlaps: true, prediction: 1 },
    });
    const of = (name: string, runtime: string) => drafting({ draft: 1, acceptance: 0.5 }, under(runtime), loadModel(name))!.rollback;
    expect([of('qwen3-next-80b-a3b', 'llama.cpp'), of('qwen3-next-80b-a3b', 'ik_llama.cpp')]).toEqual(['redo', 'redo']);
    expect([of('qwen3-next-80b-a3b', 'vllm'), of('qwen3-30b-a3b', 'llama.cpp')]).toEqual(['free', 'free']);
  });
});
