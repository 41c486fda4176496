// What the page's thread answers: the answer of the library, whatever was dragged before; and a line for whatever is wrong.
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundledFile } from '../../src/base/profiles.js';
import { visible } from '../../src/base/text.js';
import { type Advice, type AdviceWishes, advise, openTrace, writeJsonl } from '../../src/index.js';
import type { PlayAnswer } from '../../src/play/answers.js';
import { Desk, type PlayRequest } from '../../src/play/desk.js';
import { knobsOf, turned } from '../../src/play/knobs.js';
import { cases } from '../cases.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();

const desk = new Desk();
const LINK = 'm=olmoe-1b-7b&w=rtx-3060:4GB+16GB&prompt=512';
type Answered = PlayAnswer & { readonly advice: Advice; readonly error?: string };
const answerTo = async (request: PlayRequest): Promise<Answered> => (await desk.answer(request)) as Answered;

describe('an answer', () => {
  const wishes: AdviceWishes = { context: 8192, prompt: 512, quantizations: ['q8_0'] };

  it('is that of the library, with the text of its report', async () => {
    const { advice, ...shown } = await answerTo({ kind: 'whole', link: `${LINK}&context=8192&quantizations=q8_0` });
    expect(JSON.stringify(advice)).toBe(JSON.stringify(await advise('olmoe-1b-7b', 'rtx-3060:4GB+16GB', wishes)));
    expect(shown.headerHtml).toMatch(/<h1 class="answer">\d+\u00a0tok\/s \(/);
    expect(shown.firstHtml).toContain('llama-server');
    expect(shown.firstHtml).toContain('class="bar"');
    expect(shown.restHtml).toContain('<table');
    expect(shown.command).toBe('moeprof advise olmoe-1b-7b -w rtx-3060:4GB+16GB --context 8192 --prompt 512 --quantizations q8_0');
  });

  it('at a glance has the memory of the whole one with the same setting, and its speed', async () => {
    const whole = await answerTo({ kind: 'whole', link: LINK });
    const before = { runtime: whole.advice.runtime, setting: whole.advice.answer!.setting };
    const { advice } = await answerTo({ kind: 'glance', link: LINK, before });
    expect(advice.answer!.setting).toEqual(before.setting);
    expect(advice.answer!.devices).toEqual(whole.advice.answer!.devices);
    expect(advice.answer!.decode).toBe(whole.advice.answer!.decode);
    expect(advice.command).toEqual(whole.advice.command);
    expect(advice.strategies).toEqual([]);
  });

  it('at a glance keeps of an earlier setting what the question still allows', async () => {
    const { advice } = await answerTo({ kind: 'whole', link: `${LINK}&quantizations=q4_k_m&runtime=llama.cpp&goal=decode` });
    const before = { runtime: advice.runtime, setting: { ...advice.answer!.setting, cache: null, slots: null, draft: 3 } };
    const glanced = await answerTo({ kind: 'glance', link: `${LINK}&quantizations=q8_0&slots=12&drafts=0`, before });
    expect(glanced.advice.answer!.setting).toMatchObject({ quantization: 'q8_0', slots: 12, draft: 0 });
    expect(glanced.advice.answer!.setting.cache).not.toBeNull();
  });

  it('does not depend on what was asked before', async () => {
    const fresh = new Desk();
    const asked = { kind: 'glance', link: LINK, before: null, turns: [['vram', '6']] } as const;
    expect(await desk.answer(asked)).toEqual(await fresh.answer(asked));
  });

  it('has a cache of as many slots as are asked for, or says what is missing', async () => {
    const { advice } = await answerTo({ kind: 'whole', link: `${LINK}&slots=20&quantizations=q8_0` });
    expect(advice.answer!.setting.slots).toBe(20);
    expect(advice.strategies.every(({ setting }) => setting.slots === 20)).toBe(true);
    const none = await answerTo({ kind: 'whole', link: `${LINK}&slots=60&quantizations=q8_0` });
    expect(none.advice.answer).toBeNull();
    expect(none.headerHtml).toMatch(/Nothing fits: q8_0: needs [\d.]+\s\wiB more on GPU/);
    expect((await answerTo({ kind: 'glance', link: `${LINK}&slots=60&quantizations=q8_0`, before: null })).headerHtml).toMatch(
      /Nothing fits/,
    );
  });

  it('has a curve whose point is the answer’s cache', async () => {
    const { html, slots } = (await desk.answer({ kind: 'hits', link: `${LINK}&slots=20&quantizations=q8_0` })) as {
      html: string;
      slots: object;
    };
    expect(slots).toEqual({ least: 8, most: 63, now: 20 });
    expect(html).toContain('left:31.25%');
    expect(html).toMatch(/aria-label="Hit rate of LRU in each layer: \d+ % with 5 % of the experts/);
  });

  it('is the report that the command writes', async () => {
    const { html } = (await desk.answer({ kind: 'report', link: LINK })) as { html: string };
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toContain('moeprof advise: olmoe-1b-7b');
  });
});

describe('a trace on the page', () => {
  it('is read, and its routing answers', async () => {
    const path = join(folder, 'mini.safetensors');
    copyFileSync(bundledFile('traces/mini-mixtral-8x8l.safetensors'), path);
    expect(await desk.answer({ kind: 'trace', path })).toEqual({
      model: 'mini-mixtral-8x8l',
      prompt: null,
      text: '10,534 tokens, 8 layers, top-2, of mini-mixtral-8x8l',
    });
    const { advice } = await answerTo({ kind: 'whole', link: 'm=mini-mixtral-8x8l&w=rtx-3060+16GB', trace: path });
    expect(advice.notes.join(' ')).not.toContain('synthetic');
    const other = await answerTo({ kind: 'whole', link: LINK, trace: path });
    expect(other.error).toMatch(/mini\.safetensors/);
  });

  it('that is short takes a shorter prompt', async () => {
    const path = join(folder, 'short.jsonl');
    const trace = await openTrace(bundledFile('traces/mini-mixtral-8x8l.safetensors#0:900'));
    writeJsonl(trace, path);
    trace.close();
    const { prompt } = (await desk.answer({ kind: 'trace', path })) as { prompt: number };
    expect(prompt).toBe(898);
    const { error } = await answerTo({ kind: 'whole', link: `m=mini-mixtral-8x8l&w=rtx-3060+16GB&prompt=${prompt}`, trace: path });
    expect(error).toBeUndefined();
  });

  it('is a line where it is none', async () => {
    const path = join(folder, 'none.jsonl');
    writeFileSync(path, '{"a":');
    expect((await answerTo({ kind: 'trace', path })).error).toMatch(/none\.jsonl/);
  });
});

describe('controls', () => {
  it('show the parts of a machine, those that are taken for granted too', () => {
    expect(knobsOf('2xrtx-3060:8GB+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x8')).toEqual({
      gpu: 'rtx-3060',
      gpus: 2,
      vram: 8,
      cpu: 'ryzen-9-7950x',
      ram: 64,
      memory: { channels: 2, most: 2, mts: 6000, type: 'ddr5' },
      pcie: '4x8',
    });
    expect(knobsOf('rtx-3060+32GB')).toMatchObject({ vram: 12, cpu: 'ryzen-7-7700x', memory: { channels: 2 } });
    expect(knobsOf('h100-80g')).toBeNull();
    expect(knobsOf('apple-m4-max+64GB')).toMatchObject({ vram: null, memory: null, pcie: null, ram: 64 });
    expect(knobsOf('ryzen-9-7950x+64GB')).toMatchObject({ gpu: '', gpus: 0, vram: null, pcie: null });
  });

  it.each([
    ['rtx-3060+32GB', 'vram', '16', 'rtx-3060:16GB+32GB'],
    ['rtx-3060:16GB+32GB', 'vram', '12', 'rtx-3060+32GB'],
    ['rtx-3060:16GB+32GB', 'gpus', '2', '2xrtx-3060:16GB+32GB'],
    ['rtx-3060+32GB', 'gpu', 'rtx-4090', 'rtx-4090+32GB'],
    ['rtx-3060+32GB+pcie3x16', 'gpu', '', 'ryzen-7-7700x+32GB'],
    ['rtx-3060+ryzen-5-5600+2xddr4-3200+32GB+nvme-7GB/s', 'gpu', 'gb10', 'gb10+nvme-7GB/s'],
    ['rtx-3060+2xddr4-3200+32GB', 'cpu', 'ryzen-9-7950x', 'rtx-3060+32GB+ryzen-9-7950x'],
    ['rtx-3060+32GB', 'ram', '64', 'rtx-3060+64GB'],
    ['rtx-3060+32GB', 'channels', '1', 'rtx-3060+32GB+1xddr5-5200'],
    ['rtx-3060+1xddr5-5200+32GB', 'mts', '6000', 'rtx-3060+32GB+1xddr5-6000'],
    ['rtx-3060+32GB', 'pcie', '3x8', 'rtx-3060+32GB+pcie3x8'],
  ] as const)('turn %s: %s %s', (machine, knob, value, expected) => {
    expect(turned(machine, knob, value)).toBe(expected);
  });

  it('refuse a machine that is described by a file, and values that no part has', () => {
    expect(() => turned('h100-80g', 'ram', '64')).toThrow('is described by a file; name its parts');
    expect(() => turned('rtx-3060+32GB', 'pcie', '9x16')).toThrow('is not a slot');
    expect(() => turned('rtx-3060+32GB', 'vram', '-4')).toThrow(/unknown part|write up to/);
  });
});

it('a message of anything is answered, or refused in one printable line', { timeout: 120_000 }, async () => {
  const parts = ['rtx-3060', '32GB', 'h100-80g', '2xddr5-6000', 'pcie4x16', 'gb10', '/etc/passwd', './x.yaml', '-', '', '\u0000', '𝄞'];
  const piece = fc.oneof(fc.constantFrom(...parts), fc.string({ unit: 'binary', maxLength: 12 }));
  const link = fc.tuple(piece, piece, piece, piece).map(([a, b, c, d]) => `m=${a}&w=${b}+${c}&${d}`);
  const message = fc.record({
    kind: fc.constant('glance' as const),
    link,
    before: fc.constant(null),
    turns: fc.tuple(fc.constantFrom('vram', 'gpu', 'gpus', 'cpu', 'ram', 'channels', 'mts', 'pcie'), piece).map((turn) => [turn]),
  });
  await fc.assert(
    fc.asyncProperty(message, async (asked) => {
      const { error } = await answerTo(asked as PlayRequest);
      if (error === undefined) return;
      if (error.startsWith('a fault') || error !== visible(error) || error.includes('\n')) throw new Error(error);
    }),
    { numRuns: cases(2000) },
  );
});
