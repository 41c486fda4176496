// Logs as rows to hand on: all that a row needs, nothing that is private, and a line that says what is missing.
import { describe, expect, it } from 'vitest';
import { machineWords } from '../../../src/hardware/door.js';
import { contributionReports } from '../../../src/measured/contribute/report.js';
import { type Contribution, contributionOf } from '../../../src/measured/contribute/rows.js';
import { parseRows } from '../../../src/measured/validate/rows/measurement.js';
import { timingsOf } from '../../../src/runtime/timings.js';

const PARTS = 'rtx-3060+ryzen-5-5600+2xddr4-3200+32GB';
const NOBODY = { model: null, quantization: null };
const COMMAND = '$ /home/me/llama-server -m "/home/me/my models/olmoe-1b-7b-q4_k_m.gguf" -ncmoe 8 -t 6 --api-key s3cret';
const SPEEDS = [
  'prompt eval time =    1000.00 ms /  1024 tokens (    0.98 ms per token,  1024.00 tokens per second)',
  '       eval time =    2000.00 ms /   128 runs   (   15.63 ms per token,    64.00 tokens per second)',
].join('\n');

function contributed(
  text: string,
  parts = PARTS,
  user: Parameters<typeof contributionOf>[3] = NOBODY,
  os: string | null = null,
): Promise<Contribution> {
  const log = { text, timings: timingsOf(text, 'server.log') };
  return contributionOf([log], { name: 'my-host', parts: machineWords(parts) }, '-w box', user, os);
}

const rendered = (value: Contribution, name: string): string => {
  const format = contributionReports.find((one) => one.name === name)!;
  return format.render(value, { color: false, width: 80, unicode: true, verbose: false });
};

describe('a row to hand on', () => {
  it('has the machine, the model, the placement and both speeds, and a prediction of each', async () => {
    const { rows } = await contributed(`build: 6100 (abc1234)\n${COMMAND}\n${SPEEDS}`, `${PARTS}+pcie4x16`, NOBODY, 'linux');
    const [{ predicted, row }] = rows as [Contribution['rows'][0]];
    expect(rows).toHaveLength(1);
    expect(row).toMatchObject({
      engine: 'llama.cpp',
      engine_version: '6100 (abc1234)',
      machine: { name: `${PARTS}+pcie4x16`, os: 'linux', gpus: [{ name: 'rtx-3060' }], ram: { type: 'ddr4', mts: 3200, channels: 2 } },
      model: { name: 'olmoe-1b-7b', quant: 'q4_k_m' },
      placement: { kind: 'cpu-layers', cpu_moe_layers: 8 },
      run: { threads: 6, pp_tokens: 1024, tg_tokens: 128 },
      measured: { tg_tps: 64, pp_tps: 1024 },
    });
    expect(row.guessed).toBeUndefined();
    expect(predicted.decode).toBeGreaterThan(0);
    expect(predicted.prefill).toBeGreaterThan(0);
  });

  it('names no host, no folder and no key', async () => {
    const value = await contributed(`${COMMAND}\n${SPEEDS}`);
    const text = JSON.stringify(value);
    for (const secret of ['my-host', '/home', 's3cret', 'api-key']) expect(text).not.toContain(secret);
    expect(value.rows[0]!.row.flags).toContain('-ncmoe 8 -t 6');
    // The slot is what such a card usually has.
    expect(value.rows[0]!.row.guessed).toEqual(['gpus.pcie']);
  });

  it('is the same for the same log, and another for another one', async () => {
    const [one, same, other] = [
      await contributed(`${COMMAND}\n${SPEEDS}`),
      await contributed(`${COMMAND}\n${SPEEDS}`),
      await contributed(`${COMMAND}\n${SPEEDS.replace('64.00', '65.00')}`),
    ];
    expect(same).toEqual(one);
    expect(other.rows[0]!.row.id).not.toBe(one.rows[0]!.row.id);
  });

  it('is read back from its lines, and stands whole in the text of an issue', async () => {
    const value = await contributed(`${COMMAND}\n${SPEEDS}`);
    const lines = rendered(value, 'jsonl');
    expect(parseRows(lines, 'row.jsonl').speed).toEqual(value.rows.map(({ row }) => row));
    const issue = rendered(value, 'markdown');
    expect(issue).toContain('Measurement: olmoe-1b-7b q4_k_m, llama.cpp on rtx-3060+ryzen-5-5600');
    expect(issue).toContain(lines.trimEnd());
    expect(issue).toMatch(/\| 1 \| decode \| 64(\.0)? \| [\d.]+ \| [+-][\d.]+ % \|/);
  });
});

describe('what a row needs and nothing says is asked for', () => {
  it.each([
    [
      'the place of experts',
      SPEEDS,
      PARTS,
      { model: 'olmoe-1b-7b', quantization: 'q4_k_m' },
      'nothing says where the experts lie, which a row needs; put the command line into the log',
    ],
    ['the model', `$ llama-cli -ncmoe 8\n${SPEEDS}`, PARTS, NOBODY, 'server.log:3: names no model; name one with -m'],
    [
      'a model that others have',
      `${COMMAND}\n${SPEEDS}`,
      PARTS,
      { model: './mine.gguf', quantization: null },
      '-m ./mine.gguf: a row is predicted by others, who do not have the file',
    ],
    [
      'its format',
      `$ llama-cli -m olmoe-1b-7b.gguf -ncmoe 8\n${SPEEDS}`,
      PARTS,
      NOBODY,
      'nothing says how the weights of olmoe-1b-7b are stored; name it with --quantization',
    ],
    [
      'the CPU',
      `${COMMAND}\n${SPEEDS}`,
      'rtx-3060+32GB',
      NOBODY,
      '-w box: a row needs the CPU of the machine, which nothing says; add it with -w',
    ],
    [
      'the memory',
      `${COMMAND}\n${SPEEDS}`,
      'rtx-3060+ryzen-5-5600+32GB',
      NOBODY,
      'a row needs the kind and channels of the memory of the machine',
    ],
  ])('%s', async (_, text, parts, user, message) => {
    await expect(contributed(text, parts, user)).rejects.toThrow(message);
  });

  it('not the CPU, where everything lies on the card', async () => {
    const { rows } = await contributed(`$ llama-cli -m olmoe-1b-7b-q4_k_m.gguf -ngl 99\n${SPEEDS}`, 'rtx-3060+32GB');
    expect(rows[0]!.row).toMatchObject({ placement: { kind: 'all-gpu' }, guessed: ['cpu', 'ram', 'gpus.pcie'] });
  });
});
