// The first screen of advice: 80 columns and at most 25 lines, as test/fixtures/screens has it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { runCli } from '../../src/cli/program.js';
import type { CaughtOutput } from '../support/cli-output.js';

const FOLDER = fileURLToPath(new URL('../fixtures/screens/', import.meta.url));

/** Asks for advice, whose screen is that of the file; with MOEPROF_UPDATE=1 it is written first. */
export async function expectScreen(output: CaughtOutput, name: string, args: readonly string[]): Promise<void> {
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
}
