import { describe, expect, it } from 'vitest';
import { alternativesOf } from '../../src/advise/alternatives.js';
import { usualOffer } from '../../src/advise/ask.js';
import { USUAL_DRAFTING } from '../../src/advise/drafting.js';
import { contextThatFits, devicesOf } from '../../src/advise/fit.js';
import { Pricer, tokensNeeded } from '../../src/advise/price.js';
import { purchasesOf } from '../../src/advise/purchases.js';
import type { Question } from '../../src/advise/question.js';
import { bestSetting } from '../../src/advise/search.js';
import { boundOf } from '../../src/advise/what-if.js';
import { loadModel } from '../../src/model/load/load.js';
import { advisedRuntime } from '../../src/runtime/index.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { isFit } from '../../src/runtime/setting/fits.js';
import { synthesize } from '../../src/trace/generate/synthetic.js';

const model = loadModel('gpt-oss-20b');
const request = { prompt: 512, output: 64 };
const trace = synthesize(model, { seed: 1, requests: [{ prefill: tokensNeeded(1, request), decode: 0 }] });

const asked = (machine: string): Question => ({
  runtime: advisedRuntime('llama.cpp'),
  hardware: loadHardware(machine),
  goal: { kind: 'decode' },
  request,
  context: 8192,
  users: 1,
  quantizations: [null],
  pricer: new Pricer(trace, request),
  trace,
  file: null,
  hub: null,
  drafting: USUAL_DRAFTING,
  notes: [],
  model: () => model,
});

describe('a card that holds half of the model', () => {
  const question = asked('rtx-2060+ryzen-7-5700x+2xddr4-3200+32GB');

  it('waits for the memory of the host; more of that and more VRAM help', async () => {
    const answer = (await bestSetting(question, null, 'f16'))!;
    expect(answer.setting.cpuMoe).toBeGreaterThan(8);
    expect((await boundOf(question, answer)).decode).toMatch(/^CPU/);
    const purchases = await purchasesOf(question, answer);
    // The next larger card that is no slower: 8 GB, where the RTX 2060 has 6.
    const vram = purchases.find(({ part }) => part.endsWith('in the place of rtx-2060'))!;
    expect(vram.part).toMatch(/^rtx-\d+/);
    expect(vram.decode / answer.price.decode).toBeCloseTo(1 + vram.decodeGain, 10);
    expect(vram.decodeGain).toBeGreaterThan(0.2);
    expect(purchases.every(({ decodeGain, prefillGain }) => Math.max(decodeGain, prefillGain) >= 0.01)).toBe(true);
  });

  it('is told of a faster slot where the card has one: 4.0 x16 is four times 3.0 x8', async () => {
    const slots = async (slot: string, card: string): Promise<string[]> => {
      const question = { ...asked(`${card}+ryzen-7-5700x+2xddr4-3200+32GB+${slot}`), request: { prompt: 2048, output: 1 } };
      const answer = (await bestSetting({ ...question, goal: { kind: 'prefill' } }, null, 'f16'))!;
      return (await purchasesOf(question, answer)).map(({ part }) => part).filter((part) => part.includes('PCIe'));
    };
    expect(await slots('pcie3x8', 'rtx-3060-8gb')).toEqual(['the card in a slot of PCIe 4x16, not 3x8']);
    expect(await slots('pcie3x16', 'rtx-2060')).toEqual([]);
  });

  it.each([
    ['rtx-2060+ryzen-7-5700x+1xddr4-2666+32GB', [/^modules in all 2 channels, not 1$/, /^ddr4-3600 in the place of ddr4-2666$/, /^rtx/]],
    ['rtx-2060+ryzen-7-5700x+2xddr4-3600+32GB', [/^rtx/]],
    // A laptop has its card soldered, and modules of what its CPU's vendor lists.
    ['rtx-2060-6gb-laptop+i9-13900hx+2xddr5-4800+32GB', [/^ddr5-5600 in the place of ddr5-4800$/]],
    // A slot of a laptop's enclosure is as wide as its port.
    ['rtx-2060+i9-13900hx+2xddr5-5600+32GB+pcie3x4', [/^rtx/]],
    ['rtx-2060+epyc-9355+12xddr5-6400+384GB', [/^rtx/]],
  ])('%s: what its board takes', async (machine, parts) => {
    const asking = { ...asked(machine), request: { prompt: 512, output: 64 } };
    const answer = (await bestSetting(asking, null, 'f16'))!;
    const offered = (await purchasesOf(asking, answer)).map(({ part }) => part);
    for (const part of offered) expect([part, parts.some((one) => one.test(part))]).toEqual([part, true]);
    for (const one of parts.filter((part) => !part.test('rtx-3060')))
      expect([one, offered.some((part) => one.test(part))]).toEqual([one, true]);
  });

  it('has alternatives that fit, each priced by its own best split', async () => {
    const answer = (await bestSetting(question, null, 'f16'))!;
    const alternatives = await alternativesOf(question, answer);
    expect(alternatives.length).toBeGreaterThanOrEqual(3);
    expect(alternatives.length).toBeLessThanOrEqual(5);
    expect(alternatives.every(({ one }) => isFit(one.devices))).toBe(true);
    const costs = alternatives.map(({ one }) => one.cost);
    expect(costs).toEqual(costs.toSorted((a, b) => a - b));
  });

  it('holds the longest context that is told, and not 1,024 tokens more', async () => {
    const answer = (await bestSetting(question, null, 'f16'))!;
    const longest = contextThatFits(question, answer);
    const fits = (context: number): boolean => isFit(devicesOf(question, model, { ...answer.setting, context }));
    expect([fits(longest), fits(longest + 1024)]).toEqual([true, false]);
  });
});

describe('a card that holds all of it', () => {
  it('waits for its own memory, and nothing that is tried helps', async () => {
    const question = asked('rtx-3090+ryzen-7-5700x+2xddr4-3200+32GB');
    const answer = (await bestSetting(question, null, 'f16'))!;
    expect(answer.setting).toMatchObject({ cpuMoe: 0, gpuLayers: null });
    expect((await boundOf(question, answer)).decode).toBe('GPU memory bandwidth');
    expect(await purchasesOf(question, answer)).toEqual([]);
  });
});

describe('formats on offer where nobody says', () => {
  const own = (quantization: string): { quantization: string } => ({ quantization });

  it('are those of fewer bits behind a GGUF format', () => {
    expect(usualOffer(advisedRuntime('llama.cpp'), own('q4_k_m'), false, 4.9)).toEqual([null, 'q3_k_m', 'ud-q2_k_xl', 'ud-iq1_s']);
  });

  it('begin with the usual file where the model is published in 16 or 8 bits', () => {
    expect(usualOffer(advisedRuntime('ollama'), own('fp8'), false, 8)[0]).toBe('q4_k_m');
    expect(usualOffer(advisedRuntime('vllm'), own('q4_k_m'), false, 4.9)).toEqual(['bf16', 'fp8', 'int4']);
    expect(usualOffer(advisedRuntime('vllm'), own('bf16'), false, 16)).toEqual([null, 'fp8', 'int4']);
  });

  it('are one where files have their sizes, or the model is trained in 4 bits', () => {
    expect(usualOffer(advisedRuntime('llama.cpp'), own('gguf'), true, 4.9)).toEqual([null]);
    expect(usualOffer(advisedRuntime('llama.cpp'), own('mxfp4'), false, 4.3)).toEqual([null]);
  });
});
