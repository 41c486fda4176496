// What people with ten kinds of machines see first: a screen of 80 columns and at most 25 lines each, as test/fixtures/screens has it.
// MOEPROF_UPDATE=1 npx vitest run --project unit test/cli/screens.test.ts writes them anew.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';

const output = catchOutput();
const FOLDER = fileURLToPath(new URL('../fixtures/screens/', import.meta.url));

const MACHINES: readonly (readonly [name: string, ...args: string[]])[] = [
  ['laptop', 'qwen3-30b-a3b', '-w', 'rtx-4060-laptop+i9-13900hx+2xddr5-5600+32GB'],
  ['mini-pc', 'gpt-oss-120b', '-w', 'ryzen-ai-max-395+128GB'],
  ['mac', 'gpt-oss-120b', '-w', 'apple-m4-max+64GB'],
  ['two-cards', 'gpt-oss-120b', '-w', '2xrtx-3090+ryzen-9-5950x+2xddr4-3200+64GB'],
  ['old-xeon', 'qwen3-235b-a22b', '-w', 'tesla-p40+2xxeon-e5-2690-v4+8xddr4-2400+256GB'],
  ['egpu', 'gpt-oss-20b', '-w', 'rtx-3060+i9-13900hx+2xddr5-5600+32GB+pcie3x4'],
  ['windows', 'gpt-oss-120b', '-w', 'rtx-4070+i5-13600k+2xddr5-6000+64GB+windows'],
  ['16-gb', 'qwen3-30b-a3b', '-w', 'rtx-3060+16GB'],
  ['no-gpu', 'qwen3-30b-a3b', '-w', 'i5-12400f+2xddr4-3200+32GB'],
  ['server', 'deepseek-v3', '-w', 'rtx-5090+epyc-9355+12xddr5-6400+768GB'],
];

it.each(MACHINES)('%s', { timeout: 300_000 }, async (name, ...args) => {
  await runCli(['advise', ...args], commands);
  expect(output.stderr).toBe('');
  const lines = output.stdout.trimEnd().split('\n');
  // The command is copied as it is.
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines.length).toBeLessThanOrEqual(25);
  const path = `${FOLDER}${name}.txt`;
  const screen = `$ moeprof advise ${args.join(' ')}\n${output.stdout}`;
  if (process.env.MOEPROF_UPDATE !== undefined) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, screen);
  }
  expect(existsSync(path) && readFileSync(path, 'utf8')).toBe(screen);
});
