// The fit of a runtime's constants to two timings, by hand and on timings that the engine itself made.
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { KNOBS, turnedBy } from '../../../src/hardware/knobs.js';
import { parseMachine } from '../../../src/hardware/machine.js';
import { machineFileSchema, runtimeOnFile } from '../../../src/hardware/machine-file.js';
import { constantsApart, loadRuntime, withConstants } from '../../../src/hardware/runtime.js';
import { calibratedFile } from '../../../src/measured/machine/calibrated-machine.js';
import { anchorsOf, calibrate, fitKnobs, joinedPhases } from '../../../src/measured/machine/calibration.js';
import { calibrationReports } from '../../../src/measured/machine/calibration-report.js';
import { measurementOf } from '../../../src/measured/machine/timing-row.js';
import { predictRowVariants } from '../../../src/measured/validate/predict-all.js';
import type { Measurement } from '../../../src/measured/validate/rows/measurement.js';
import { hardwareOfFile } from '../../../src/runtime/machine.js';

const PARTS = 'rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16';
const row = (cpuMoe: number, more: object = {}): Measurement =>
  measurementOf(
    { place: `log:${cpuMoe}`, engine: 'llama.cpp', decode: 1, cpuMoe, gpuLayers: 99, model: 'olmoe-1b-7b-q4_k_m.gguf', ...more },
    parseMachine(PARTS),
    { model: null, quantization: null },
  );
const llama = loadRuntime('llama.cpp');

describe('the fit', () => {
  it('of one speed moves what it goes with by the share that its spread has beside the noise', () => {
    const [{ spread }] = KNOBS as [(typeof KNOBS)[0]];
    const slopes = KNOBS.map((_, k) => (k === 0 ? 1 : 0));
    const [step, ...others] = fitKnobs(
      [{ residual: 0.1, slopes }],
      KNOBS.map(() => 0),
    ) as [number, ...number[]];
    // Minimum of (0.1 + x)^2 / 0.05^2 + x^2 / spread^2.
    expect(step).toBeCloseTo(-0.1 * (spread ** 2 / (spread ** 2 + 0.05 ** 2)), 10);
    expect(others.every((other) => Math.abs(other) < 1e-12)).toBe(true);
  });

  it('does not move what no speed goes with', () => {
    expect(
      fitKnobs(
        [{ residual: 0.5, slopes: KNOBS.map(() => 0) }],
        KNOBS.map(() => 0),
      ).every((step) => step === 0),
    ).toBe(true);
  });

  it('gives back the machine that made the timings', async () => {
    // A machine whose CPU memory is 20 % slower and whose GPU is 10 % slower than others of its data sheet.
    const steps = KNOBS.map(({ name }) => (name === 'cpu.memory' ? Math.log(0.8) : name === 'gpu.bandwidth' ? Math.log(0.9) : 0));
    const truth = turnedBy(llama, steps);
    const asked = [row(0), row(16), row(8)];
    const made = (await predictRowVariants(asked, [new Map([['llama.cpp', truth]])], 1, {})).map(([only]) => only!);
    const rows = asked.map((one, i) => ({ ...one, measured: { tg_tps: made[i]!.figures.decode! } }));
    const calibration = await calibrate(rows, llama, 1);
    expect(calibration.anchors.map(({ place }) => place)).toEqual(['log:16', 'log:0']);
    for (const { before, measured, predicted } of [...calibration.anchors, ...calibration.checks]) {
      expect(Math.abs(predicted / measured - 1)).toBeLessThan(0.02);
      expect(Math.abs(before / measured - 1)).toBeGreaterThan(Math.abs(predicted / measured - 1));
    }
    expect(calibration.checks.map(({ place }) => place)).toEqual(['log:8']);
    const before = { name: 'box', parts: PARTS.split('+') };
    const value = { before, date: '2026-01-02', rates: null, calibrations: [calibration], timings: [] };
    const file = machineFileSchema.parse(
      parse(
        calibrationReports.find(({ name }) => name === 'yaml')!.render(value, { color: false, width: 80, unicode: true, verbose: false }),
      ),
    );
    expect(file).toEqual(calibratedFile(value));
    const hardware = hardwareOfFile(file, 'box');
    expect(hardware.machine!.calibration).toMatch(
      /^Constants of llama.cpp were fitted on 2 speeds .*; another was predicted \d\.\d % too (slow|fast)\.$/,
    );
    expect(hardware.gpu.bandwidthFraction).toBeCloseTo(turnedBy(llama, calibration.steps).gpu.bandwidth.default!, 4);
  });
});

describe('constants of a machine', () => {
  const turned = turnedBy(
    llama,
    KNOBS.map(() => 0.1),
  );

  it('are what differs, and give the runtime back', () => {
    expect(constantsApart(llama, llama)).toEqual({});
    const constants = constantsApart(llama, { ...llama, layer: 45e3 });
    expect(constants).toEqual({ layer: 45e3 });
    const again = withConstants(llama, constantsApart(llama, turned));
    expect(again.cpu.bandwidth).toBeCloseTo(turned.cpu.bandwidth, 4);
    expect(again.prompt).toEqual(llama.prompt);
  });

  it('belong to their runtime, and yield to what is given', () => {
    const file = {
      name: 'box',
      parts: [PARTS],
      measured: { runtimes: { 'llama.cpp': { constants: { layer: 45e3, cpu: { bandwidth: 0.4 } }, timings: [], checks: [] } } },
    };
    expect(runtimeOnFile(file, loadRuntime('ktransformers')).said).toBeNull();
    expect(runtimeOnFile(file, llama).runtime).toMatchObject({ layer: 45e3, cpu: { bandwidth: 0.4, layer: llama.cpu.layer } });
    expect(runtimeOnFile(file, llama, ['cpu.bandwidth']).runtime).toMatchObject({ layer: 45e3, cpu: { bandwidth: llama.cpu.bandwidth } });
  });
});

describe('anchors', () => {
  it('are the ends of residency, then of context, of what most rows are', () => {
    const rows = [row(4), row(0), row(16), row(8), row(16, { place: 'other', model: 'qwen3-30b-a3b-q8_0.gguf' })];
    const { anchors, checks } = anchorsOf(rows);
    expect(anchors.map(({ id }) => id)).toEqual(['log:16', 'log:0']);
    expect(checks.map(({ id }) => id)).toEqual(['log:4', 'log:8', 'other']);
    const deep = [0, 4096, 1024].map((depth) => row(8, { depth, place: `d${depth}` }));
    expect(anchorsOf(deep).anchors.map(({ id }) => id)).toEqual(['d4096', 'd0']);
    expect(anchorsOf([rows[0]!]).anchors).toHaveLength(1);
  });

  it('prompt and generation of one setting are one row', () => {
    const rows = [row(4, { decode: undefined, prefill: 900, promptTokens: 512 }), row(4), row(8), row(4, { decode: 2 })];
    const joined = joinedPhases(rows);
    expect(joined.map(({ measured }) => measured)).toEqual([{ tg_tps: 1, pp_tps: 900 }, { tg_tps: 1 }, { tg_tps: 2 }]);
    expect(joined[0]!.run.pp_tokens).toBe(512);
  });
});
