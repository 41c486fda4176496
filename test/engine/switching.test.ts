// Whole models as experts: what a switch takes, and the published direction of the SN40L against machines that offload to their host
// (arXiv 2405.07518: model switching 15 to 31 times faster, machine footprint up to 19 times smaller).
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import { loadModel } from '../../src/model/load/load.js';
import type { Result } from '../../src/result/result.js';
import { loadHardware } from '../../src/runtime/machine.js';

const switching = (hardware: string): Promise<Result> =>
  simulate({ model: 'coe-150x7b', hardware, workload: { tokens: 2400, prompt: 16, output: 8 }, bounds: false });
const value = ({ metrics }: Result, name: string): number => metrics[name]!.value;

describe('switching among 150 models of 7 billion parameters', () => {
  it.each(['sn40l', 'dgx-a100', 'dgx-h100'])('takes the time of one transfer on %s', async (hardware) => {
    const result = await switching(hardware);
    const { links, software } = loadHardware(hardware);
    const [link] = links;
    // A cache of models copies from pinned memory.
    const bandwidth = link!.bandwidth * (software!.pinned ?? 1);
    const { expertBytes } = loadModel('coe-150x7b').layers[0]!;
    expect(value(result, 'switch.time')).toBeCloseTo(link!.latencyNs + (expertBytes / bandwidth) * 1e9, 0);
    expect(value(result, 'switch.count')).toBe(value(result, 'cache.misses'));
    expect(value(result, 'switch.per_request')).toBe(value(result, 'switch.count') / 100);
  });

  it('is 15 to 31 times faster on an SN40L, as published, within a tenth', async () => {
    const [sn40l, a100, h100] = await Promise.all(['sn40l', 'dgx-a100', 'dgx-h100'].map(switching));
    const ratio = (machine: Result): number => value(machine, 'switch.time') / value(sn40l!, 'switch.time');
    console.info(`SN40L switches ${ratio(a100!).toFixed(1)} times faster than DGX A100, ${ratio(h100!).toFixed(1)} times than DGX H100`);
    // The ends of the published range, taken for the slower and the faster link.
    expect(Math.abs(ratio(a100!) / 31 - 1)).toBeLessThan(0.1);
    expect(Math.abs(ratio(h100!) / 15 - 1)).toBeLessThan(0.1);
  });

  it('reaches on one SN40L what 19 or more DGX hold in fast memory', async () => {
    const [sn40l, a100] = await Promise.all(['sn40l', 'dgx-a100'].map(switching));
    const machines = value(sn40l!, 'footprint.reach') / value(a100!, 'footprint.held');
    console.info(`one SN40L reaches what ${machines.toFixed(1)} DGX A100 hold`);
    expect(machines).toBeGreaterThan(17);
    expect(machines).toBeLessThan(21);
    // 150 models of 13.5 GB are 2.02 TB, a DGX holds fewer than 50.7 beside the KV cache.
    expect(value(a100!, 'footprint.machines')).toBe(3);
  });

  it('counts what all GPUs of a machine hold', async () => {
    const result = await switching('8x-h100-80g');
    // 79.1 GiB on each are 6 models of 12.5 GiB beside one request's KV cache; 2044 GiB of DRAM are 162.
    expect(value(result, 'footprint.held')).toBe(48);
    expect(value(result, 'footprint.machines')).toBe(4);
    expect(value(result, 'footprint.reach')).toBe(162);
  });

  it('is not counted for models whose experts are parts of one', async () => {
    const { metrics } = await simulate({ trace: 'mini-mixtral-8x8l', workload: { tokens: 50 } });
    expect(Object.keys(metrics).filter((name) => /^(switch|footprint)\./.test(name))).toEqual([]);
  });
});
