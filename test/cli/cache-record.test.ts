// llama.cpp's record of its expert cache, of the shape of a bundled model: every command that takes a trace takes it, and says if it was cut.
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { commands } from '../../src/cli/commands.js';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';
import { fileOf, temporaryFolder } from '../trace/builders.js';
import { cacheBytes } from '../trace/formats/fixtures.js';

const output = catchOutput();
const folder = temporaryFolder();
const random = new Random(1, 'test/cache-record');

/** A record of gpt-oss-20b: 24 layers on two GPUs, 32 experts, top-4. */
const layersFrom = (first: number): number[] => Array.from({ length: 12 }, (_, index) => first + index);
const groups = [0, 12].map((first) => ({ experts: 32, layers: layersFrom(first), bytes: [4_406_400, 4_406_400, 4_406_400] }));
const TOKENS = 700;
const events = Array.from({ length: 24 * TOKENS }, (_, event) => {
  const start = random.below(20);
  return [event % 24, [start, start + 3, start + 5, start + 11]] as const;
});
const RECORD = cacheBytes(24, 4, groups, events);

const MODEL = 'gpt-oss-20b';
const MACHINE = ['-w', 'rtx-3060+ryzen-5-5600+2xddr4-3200+32GB'];

const run = async (words: readonly string[]): Promise<string> => {
  expect(await runCli(words, commands)).toBe(0);
  expect(output.stdout).not.toBe('');
  return `${output.stderr}${output.stdout}`.replaceAll(/\s+/g, ' ');
};

describe('a record whose last event was cut is told once by', () => {
  it.each([
    ['curve', (path: string) => ['curve', '-t', path, '-m', MODEL, '--policies', 'lru', '--capacities', '25%']],
    ['advise', (path: string) => ['advise', MODEL, '-t', path, ...MACHINE, '--prompt', '256', '--quantizations', 'mxfp4']],
    ['advise for all', (path: string) => ['advise', MODEL, '-t', path, ...MACHINE, '--runtime', 'any', '--prompt', '256']],
    ['place', (path: string) => ['place', '-t', path, '-m', MODEL, '--slots', '16']],
    [
      'breakeven',
      (path: string) => ['breakeven', MODEL, '-t', path, ...MACHINE, '--users', '1', '--prompt', '256', '--quantizations', 'mxfp4'],
    ],
    ['run', (path: string) => ['run', '-m', MODEL, '-t', path, ...MACHINE]],
  ])('%s', async (_, words) => {
    const told = await run(words(fileOf(folder, 'cut.mct1', RECORD.subarray(0, RECORD.length - 6))));
    expect(told.match(/ends inside an event, whose 22 bytes are left out: it was cut short/g)).toHaveLength(1);
  });
});

it('of a whole record nothing is said', async () => {
  expect(await run(['curve', '-t', fileOf(folder, 'whole.mct1', RECORD), '-m', MODEL, '--policies', 'lru'])).not.toContain('ends inside');
});
