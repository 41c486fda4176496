// A repository or a format in the name of a model is what the line of `advise` takes.
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';

const output = catchOutput();
const SMALL = ['--prompt', '512', '--context', '4096'];

async function screenOf(machine: string, ...words: string[]): Promise<string> {
  expect(await runCli(['advise', ...words, '-w', machine, ...SMALL], commands)).toBe(0);
  return output.stdout.replaceAll(/ \\\n\s*/g, ' ').replaceAll(/\n {14}(?=\S)/g, ' ');
}

describe('the line of a name', () => {
  it.each([
    ['unsloth/Qwen3-30B-A3B-GGUF', 'q4_k_m', 'llama-server -hf unsloth/Qwen3-30B-A3B-GGUF:Q4_K_M '],
    ['unsloth/Qwen3-30B-A3B-GGUF:UD-Q3_K_XL', 'ud-q3_k_xl', 'llama-server -hf unsloth/Qwen3-30B-A3B-GGUF:UD-Q3_K_XL '],
    ['unsloth/Qwen3-30B-A3B-GGUF/Qwen3-30B-A3B-UD-Q4_K_XL.gguf', 'ud-q4_k_xl', 'llama-server -hf unsloth/Qwen3-30B-A3B-GGUF:UD-Q4_K_XL '],
    ['Qwen/Qwen3-30B-A3B', 'q4_k_m', 'llama-server -hf unsloth/Qwen3-30B-A3B-GGUF:Q4_K_M '],
    ['Qwen3-30B-A3B-UD-Q4_K_XL.gguf', 'ud-q4_k_xl', 'llama-server -m Qwen3-30B-A3B-UD-Q4_K_XL.gguf '],
    ['cpatonn/Qwen3-30B-A3B-Instruct-2507-AWQ-4bit', 'int4', 'vllm serve cpatonn/Qwen3-30B-A3B-Instruct-2507-AWQ-4bit '],
    ['turboderp/Qwen3-30B-A3B-exl3-3.05bpw', 'int4:bits=3.05', 'python main.py --model-name Qwen3-30B-A3B-exl3-3.05bpw '],
  ])('%s is in %s, and is what runs', async (name, format, line) => {
    const screen = await screenOf('rtx-4090+64GB', name);
    expect(screen).toMatch(new RegExp(`^qwen3-30b-a3b ${format.replaceAll('.', '\\.')} on `));
    expect(screen).toContain(line);
    expect(screen).not.toMatch(/path\/to|assumed to be there/);
  });

  it('takes a file that the names of a maker promise, and says so', async () => {
    const screen = await screenOf('rtx-4090+64GB', 'bartowski/Qwen_Qwen3-30B-A3B-Instruct-2507-GGUF');
    expect(screen).toContain('-hf bartowski/Qwen_Qwen3-30B-A3B-Instruct-2507-GGUF:Q4_K_M ');
    expect(screen).toContain(
      'bartowski/Qwen_Qwen3-30B-A3B-Instruct-2507-GGUF:Q4_K_M is assumed to be there: hf:bartowski/Qwen_Qwen3-30B-A3B-Instruct-2507-GGUF reads',
    );
    expect(await screenOf('rtx-4090+64GB', 'Qwen/Qwen3.8-Flash-Next')).toMatch(
      /-hf unsloth\/Qwen3\.8-Flash-Next-GGUF:Q4_K_M .*is assumed to be there/s,
    );
  });

  it('names no repository of other weights with the same shape', async () => {
    const screen = await screenOf('rtx-4090+64GB', 'Qwen/Qwen3-30B-A3B-Instruct-2507');
    expect(screen).toContain('-m path/to/qwen3-30b-a3b-q4_k_m.gguf ');
  });

  it('takes MLX on a Mac, and GGUF files of the model if the runtime that is named reads these', async () => {
    const name = 'mlx-community/Qwen3-30B-A3B-4bit';
    expect(await screenOf('apple-m4-max+64GB', name)).toMatch(/^qwen3-30b-a3b mlx4 on .*--model mlx-community\/Qwen3-30B-A3B-4bit /s);
    output.stdout = '';
    const screen = await screenOf('rtx-4090+64GB', name, '--runtime', 'llama.cpp', '-v');
    expect(screen).toMatch(/^qwen3-30b-a3b q4_k_m on /);
    expect(screen).toContain(`${name} is no GGUF file that llama.cpp reads: one of the same model is taken.`);
  });
});
