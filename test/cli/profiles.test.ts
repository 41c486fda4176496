// `moeprof profiles`: parts of machines beside the families of files, listed where they are asked for and found by any spelling.
import { describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/program.js';
import { CPUS } from '../../src/hardware/parts/cpu.js';
import { GPUS } from '../../src/hardware/parts/gpu.js';
import { catchOutput } from '../support/cli-output.js';

const output = catchOutput();

describe('parts of machines', () => {
  it('are listed where they are asked for', async () => {
    expect(await runCli(['profiles', 'list', 'gpus'])).toBe(0);
    expect(output.stdout.trim().split('\n')).toHaveLength(GPUS.parts.length);
    expect(output.stdout).toMatch(/^gpu\/rtx-3090 +24 GiB, 936 GB\/s$/m);
    output.stdout = '';
    expect(await runCli(['profiles', 'list', 'cpu'])).toBe(0);
    expect(output.stdout.trim().split('\n')).toHaveLength(CPUS.parts.length);
    expect(output.stdout).toMatch(/^cpu\/ryzen-9-7950x +16 cores, avx512-vnni, 2xddr5-5200$/m);
    output.stdout = '';
    expect(await runCli(['profiles', 'list'])).toBe(0);
    expect(output.stdout).not.toMatch(/^[gc]pu\//m);
  });

  it.each([
    ['gpu/rtx-3090', /^gpu\/rtx-3090\n[\s\S]*memory bandwidth +936 GB\/s\n[\s\S]*Source: NVIDIA Ampere GA102 whitepaper/],
    ['gpu/NVIDIA GeForce RTX 3090', /^gpu\/rtx-3090\n/],
    ['rtx-3060', /^gpu\/rtx-3060\n/],
    ['gpu/h100-80g', /to its like +450 GB\/s in one direction/],
    ['gpu/gb10', /on the chip of +cpu\/gb10, whose memory it shares/],
    ['cpu/epyc-9355', /cores +32\n[\s\S]*memory +12xddr5-6000, 576 GB\/s a socket\n[\s\S]*sockets +2/],
    // A machine has the name of its card.
    ['rtx-3090', /^# NVIDIA GeForce RTX 3090 in a desktop\./],
  ])('%s is shown', async (name, text) => {
    expect(await runCli(['profiles', 'show', name])).toBe(0);
    expect(output.stdout).toMatch(text);
  });

  it.each([
    ['gpu/rtx-3091', 'moeprof: there is no gpu "rtx-3091": did you mean "rtx-3090"'],
    ['gb10', 'moeprof: "gb10" is in several families; write gpu/gb10 or cpu/gb10\n'],
  ])('%s is refused', async (name, message) => {
    expect(await runCli(['profiles', 'show', name])).toBe(2);
    expect(output.stderr.startsWith(message)).toBe(true);
    expect(output.stderr.trim()).not.toContain('\n');
  });

  it('are offered by the completion of -w', async () => {
    expect(await runCli(['completion', 'bash'])).toBe(0);
    for (const name of ['rtx-3090', 'rx-7900-xtx', 'ryzen-9-7950x', 'a10']) expect(output.stdout).toMatch(new RegExp(`\\b${name}\\b`));
  });
});
