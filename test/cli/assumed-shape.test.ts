// The mark of an assumed shape stands on every screen and in every file, never only behind -v.
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';

const output = catchOutput();
const MACHINE = ['-w', 'rtx-4090+64GB'];
const MARK = 'Assumed: shape of glm-4.5-air, the version before glm-4.9-air.';

describe('the mark of an assumed shape', () => {
  it.each([
    ['advise', 'zai-org/GLM-4.9-Air', ...MACHINE, '--prompt', '512'],
    ['advise', 'GLM-4.9-Air', 'gpt-oss-20b', ...MACHINE, '--prompt', '512'],
    ['advise', 'GLM-4.9-Air', '--runtime', 'any', ...MACHINE, '--prompt', '512'],
    ['breakeven', 'GLM-4.9-Air', ...MACHINE, '--quantizations', 'q4_k_m', '--users', '1'],
    ['model', 'inspect', 'unsloth/GLM-4.9-Air-GGUF'],
    ['run', '-m', 'GLM-4.9-Air', '--tokens', '32', '--no-bounds', ...MACHINE],
  ])('stands on the screen of %s %s', async (...words) => {
    expect([0, 1]).toContain(await runCli(words, commands));
    expect(output.stdout.replaceAll(/\s+/g, ' ')).toContain(MARK);
  });

  it.each([
    ['json', ['advise', 'GLM-4.9-Air', ...MACHINE, '--prompt', '512']],
    ['markdown', ['advise', 'GLM-4.9-Air', ...MACHINE, '--prompt', '512']],
    ['json', ['advise', 'GLM-4.9-Air', 'gpt-oss-20b', ...MACHINE, '--prompt', '512']],
    ['json', ['model', 'inspect', 'GLM-4.9-Air']],
    ['markdown', ['model', 'inspect', 'GLM-4.9-Air']],
  ])('stands in %s of %s', async (format, words) => {
    expect([0, 1]).toContain(await runCli([...words, '-o', `${format}=-`], commands));
    expect(output.stdout).toContain(MARK);
  });

  it('does not stand where the shape is known', async () => {
    await runCli(['advise', 'zai-org/GLM-4.5-Air-FP8', ...MACHINE, '--prompt', '512'], commands);
    expect(output.stdout).not.toContain('shape of');
  });

  it('names what of the shape is assumed where a total alone confirms it', async () => {
    await runCli(['advise', 'grok-2', '-w', 'rtx-4090+256GB', '--prompt', '512'], commands);
    expect(output.stdout.replaceAll(/\s+/g, ' ')).toMatch(/A dense FFN with eight experts, and tied tables, are assumed: /);
  });
});
