// Learning from timings: of the engine's own, of another model than the run's, and what is refused.
import { describe, expect, it } from 'vitest';
import { simulateRun } from '../../../src/engine/simulate.js';
import { KNOBS, turnedBy } from '../../../src/hardware/knobs.js';
import { learnedRuntime, learnedText } from '../../../src/hardware/learned.js';
import { parseMachine } from '../../../src/hardware/machine.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { learn } from '../../../src/measured/machine/learn.js';
import { measurementOf } from '../../../src/measured/machine/timing-row.js';
import { predictRowVariants } from '../../../src/measured/validate/predict-all.js';
import type { Timing } from '../../../src/runtime/logs/timing.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { checkRun } from '../../../src/system/load-run.js';

const PARTS = 'rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16';
const FILE = { name: 'box', parts: PARTS.split('+') };
const NOBODY = { model: null, quantization: null };
const llama = loadRuntime('llama.cpp');
const timing = (cpuMoe: number | undefined, more: Partial<Timing> = {}): Timing => ({
  place: 'log:1',
  engine: 'llama.cpp',
  decode: 1,
  ...(cpuMoe !== undefined && { cpuMoe }),
  model: 'olmoe-1b-7b-q4_k_m.gguf',
  ...more,
});

/** Speeds that a machine with these steps of its knobs has, by the engine. */
async function made(steps: Readonly<Record<string, number>>, timings: readonly Timing[]): Promise<number[]> {
  const truth = turnedBy(
    llama,
    KNOBS.map(({ name }) => steps[name] ?? 0),
  );
  const rows = timings.map((one) => measurementOf(one, parseMachine(PARTS), NOBODY));
  return (await predictRowVariants(rows, [new Map([['llama.cpp', truth]])], 1, {})).map(([only]) => only!.figures.decode!);
}

const SLOWER = { 'cpu.memory': -Math.log(0.7) };

describe('a timing', () => {
  it('teaches what goes with it, and brings other runs of the machine nearer', async () => {
    const other = timing(8, { model: 'qwen3-30b-a3b-q4_k_m.gguf' });
    const [given, wanted] = await made(SLOWER, [timing(16), other]);
    const learned = await learn([timing(16, { decode: given! })], FILE, 'box', NOBODY, 1);
    expect(learned.timings).toBe(1);
    const row = measurementOf(other, parseMachine(PARTS), NOBODY);
    const runtimes = [llama, learnedRuntime(llama, learned)].map((one) => new Map([['llama.cpp', one]]));
    const [[before, after]] = (await predictRowVariants([row], runtimes, 1, {})) as [[never, never]];
    const off = ({ figures }: { figures: { decode: number } }) => Math.abs(Math.log(figures.decode / wanted!));
    expect(off(after)).toBeLessThan(0.6 * off(before));
    // The sheet's constants, unless timings teach others.
    expect(loadHardware(PARTS, undefined, [], null, [], learned).cpu!.bandwidthFraction).toBeLessThan(llama.cpu.bandwidth);
  });

  it('makes bands of the run itself', async () => {
    const [given] = await made(SLOWER, [timing(16)]);
    const learned = await learn([timing(16, { decode: given! })], FILE, 'box', { ...NOBODY, model: 'olmoe-1b-7b' }, 1);
    const run = checkRun(
      {
        model: 'olmoe-1b-7b',
        quantization: 'q4_k_m',
        hardware: PARTS,
        system: 'llama.cpp-static',
        memory: { expertCache: '0%' },
        trace: 'synthetic',
      },
      'test',
    );
    const [plain, taught] = [await simulateRun(run), await simulateRun({ ...run, learned })];
    expect(taught.accuracy!.decode).toMatchObject({ rows: 1, common: 'this machine', learned: true });
    const widthOf = ({ high, low }: { high: number; low: number }): number => high / low;
    expect(widthOf(taught.accuracy!.decode!)).toBeLessThan(widthOf(plain.accuracy!.decode!));
    expect(taught.warnings.find(({ code }) => code === 'machine-calibrated')!.message).toBe(
      learnedText(parseMachine(PARTS), llama, learned),
    );
    expect(taught.fingerprint).not.toBe(plain.fingerprint);
  });

  it('takes model and format from the run where it names none, and never in place of another model', async () => {
    const user = { model: 'gpt-oss-20b', quantization: null };
    expect((await learn([timing(8, { model: undefined as never, decode: 30 })], FILE, 'box', user, 1)).timings).toBe(1);
    await expect(learn([timing(8, { model: 'x-9000.gguf' })], FILE, 'box', user, 1)).rejects.toThrow('"x-9000.gguf" is no bundled model');
  });

  it('is refused where nothing says where its experts lay', async () => {
    await expect(learn([timing(undefined)], FILE, 'box', NOBODY, 1)).rejects.toThrow(
      /^log:1: nothing says where its experts lay; add e.g. -ncmoe 24/,
    );
  });

  it('that is far off is said to be', async () => {
    const learned = await learn([timing(8, { decode: 0.5 })], FILE, 'box', NOBODY, 1);
    expect(learnedText(parseMachine(PARTS), llama, learned)).toMatch(/One is \d+\.\d times as slow as its parts let expect/);
  });
});
