// `moeprof advise` from the command line: its screen as docs/advise.md shows it, formats, exit codes, mistakes.
// MOEPROF_UPDATE=1 npx vitest run --project unit test/cli/advise.test.ts writes the screen anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Advice } from '../../src/advise/advise.js';
import { adviceFor } from '../../src/advise/answer.js';
import type { ModelOffers } from '../../src/advise/models.js';
import { commands } from '../../src/cli/commands.js';
import { runCli } from '../../src/cli/program.js';
import { advisedRuntime } from '../../src/runtime/index.js';
import { writeGguf } from '../model/gguf-file.js';
import { TINY_OUTER, tinyLayer, tinyMetadata } from '../model/tiny-gguf.js';
import { parseLine } from '../runtime/flags/command.js';
import { catchOutput } from '../support/cli-output.js';
import { temporaryFolder } from '../support/folder.js';
import { expectShown } from '../support/shown.js';

const output = catchOutput();
const run = (...args: string[]): Promise<number> => runCli(['advise', ...args], commands);

const MACHINE = 'rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB';
const SMALL = ['mini-mixtral-8x8l', '-w', 'rtx-3060+32GB'];

/** A page shows a screen between two comments. */
function shown(page: string, marks: readonly [string, string], screen: string): void {
  expectShown(page, marks, screen.replace(/^(?=.)/gm, '    '), 'test/cli/advise.test.ts');
}

/** The verdict and the line to paste. */
const top = (screen: string): string => screen.slice(0, screen.indexOf('\n\nmemory '));

describe('the screen', () => {
  it('is as the page shows it, in 80 columns', async () => {
    expect(await run('gpt-oss-120b', '-w', MACHINE)).toBe(0);
    expect(output.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    shown(
      'docs/advise.md',
      ['<!-- screen -->\n\n', '\n<!-- end of screen -->'],
      `moeprof advise gpt-oss-120b -w ${MACHINE}\n\n${output.stdout}`,
    );
    shown('README.md', ['<!-- advice -->\n\n', '\n<!-- end of advice -->'], `${top(output.stdout)}\n`);
    // What a home user asks for: experts in host memory, and a line that llama.cpp takes.
    const line = output.stdout.match(/^ {4}llama-server(?:.*\\\n)*.*$/m)![0].trim();
    const flags = parseLine(advisedRuntime('llama.cpp').dialect.grammar, line);
    expect(['-cmoe', '-ncmoe'].filter((flag) => flags.has(flag))).toHaveLength(1);
  });
});

describe('several models', () => {
  const FOUR = ['gpt-oss-120b', 'gpt-oss-20b', 'qwen3-30b-a3b', 'kimi-k2', '-w', 'rtx-3060+64GB', '--goal', 'tpot=30ms'];

  it('are listed as the page shows it, in 80 columns', async () => {
    expect(await run(...FOUR)).toBe(0);
    expect(output.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    const screen = `moeprof advise ${FOUR.join(' ')}\n\n${output.stdout}`;
    shown('docs/advise.md', ['<!-- models -->\n\n', '\n<!-- end of models -->'], screen);
  });

  it('have a row each in CSV and a page', async () => {
    const page = join(temporaryFolder(), 'a.html');
    const two = ['mini-mixtral-8x8l', 'mini-finegrained-64x12l', '-w', 'rtx-3060+32GB', '--prompt', '512'];
    expect(await run(...two, '--format', 'csv', '--html', page)).toBe(0);
    const [heads, ...rows] = output.stdout.trim().split('\n');
    expect(rows).toHaveLength(2);
    for (const row of rows) expect(row.split(',')).toHaveLength(heads!.split(',').length);
    expect(readFileSync(page, 'utf8')).toContain('mini-finegrained-64x12l');
  });

  it('have no line of their own to explain, and no common recording', async () => {
    expect(await run('--explain')).toBe(2);
    expect(output.stderr).toBe('moeprof: --explain: explains the line of one model; name one model\n');
    output.stderr = '';
    expect(await run('gpt-oss-20b', 'gpt-oss-120b', '-t', 'mini-mixtral-8x8l')).toBe(2);
    expect(output.stderr).toBe('moeprof: --trace: is of one model; name one model\n');
  });

  it('are the three best by quality that fit', async () => {
    expect(await run('--best', '3', '-w', 'rtx-3060+32GB', '--prompt', '512', '--context', '4096', '--json')).toBe(0);
    const { among, models } = JSON.parse(output.stdout) as ModelOffers;
    expect(among).toBeGreaterThan(60);
    expect(models).toHaveLength(3);
    expect(models.every(({ answer, kept }) => kept && !answer!.setting.fromDisk)).toBe(true);
    expect(models.map(({ model }) => model)).toContain('qwen3.6-35b-a3b');
    for (const [flag, message] of [
      ['--quality', 'orders several models; name none, or more than one'],
      ['--tune-text', 'is what llama-server answers under --tune; give both'],
    ] as const) {
      output.stderr = '';
      expect(await run('olmoe-1b-7b', flag, 'a.txt')).toBe(2);
      expect(output.stderr).toBe(`moeprof: ${flag} a.txt: ${message}\n`);
    }
    output.stderr = '';
    output.stdout = '';
    expect(await run('olmoe-1b-7b', '--best', '3')).toBe(2);
    expect(output.stderr).toBe('moeprof: --best: chooses among all bundled models; name none\n');
  });
});

describe('models of a list', () => {
  it('are in the order of a table of the user, which is refused in a line if it cannot be read', async () => {
    const table = join(temporaryFolder(), 'mine.txt');
    writeFileSync(table, 'olmoe-1b-7b 9\ngpt-oss-20b 3\n');
    expect(await run('gpt-oss-20b', 'olmoe-1b-7b', '-w', 'rtx-3060+32GB', '--prompt', '512', '--quality', table, '--json')).toBe(0);
    const { models } = JSON.parse(output.stdout) as ModelOffers;
    expect(models.map(({ model, quality }) => [model, quality!.score])).toEqual([
      ['olmoe-1b-7b', 9],
      ['gpt-oss-20b', 3],
    ]);
    writeFileSync(table, 'olmoe-1b-7b good\n');
    expect(await run('gpt-oss-20b', 'olmoe-1b-7b', '--quality', table)).toBe(2);
    expect(output.stderr).toMatch(/^moeprof: .*mine\.txt:1: "good" is no score; write a number, or - for none\n$/);
  });

  it('are none on a machine that holds none', async () => {
    expect(await run('-w', 'core-i5-12400+1GB', '--prompt', '512')).toBe(1);
    expect(output.stdout).toContain('0 of ');
    expect(output.stdout).toContain('16,384 tokens of context');
  });

  it('end with 1 where none fits', async () => {
    expect(await run('kimi-k2', 'deepseek-v3', '-w', 'rtx-3060+16GB', '--prompt', '512')).toBe(1);
    expect(output.stdout).toContain('0 of 2 models fit,');
  });

  it('say so of one in the singular', async () => {
    expect(await run('kimi-k2', 'mini-mixtral-8x8l', '-w', 'rtx-3060+16GB', '--prompt', '512')).toBe(0);
    expect(output.stdout).toContain('1 of 2 models fits,');
  });
});

describe('formats', () => {
  it('hold the same answer', async () => {
    const folder = temporaryFolder();
    const file = (name: string): string => join(folder, name);
    expect(await run(...SMALL, '--html', file('a.html'), '-o', file('a.md'), '-o', file('a.csv'), '-o', file('a.json'))).toBe(0);
    const advice = JSON.parse(readFileSync(file('a.json'), 'utf8')) as Advice;
    expect(advice).toMatchObject({ schema: 'moeprof.advice/1', model: 'mini-mixtral-8x8l', runtime: 'llama.cpp', kept: true });
    const lines = advice.command!.steps[0]!.lines;
    const html = readFileSync(file('a.html'), 'utf8');
    expect(html).toContain(lines[0]);
    expect(html).toContain('<h2>How sure</h2>');
    expect(html).toMatch(/<ul>(<li>[^<]*<\/li>)*<li>Routing is synthetic/);
    expect(readFileSync(file('a.md'), 'utf8')).toContain(`\`\`\`\n${lines.join('\n')}\n\`\`\``);
    const rows = readFileSync(file('a.csv'), 'utf8').trim().split('\n');
    expect(rows).toHaveLength(2 + advice.alternatives.length);
    expect(rows[1]).toMatch(/^advised,/);
  });

  it('explain each flag that is set', async () => {
    expect(await run(...SMALL, '--explain', '--json')).toBe(0);
    const { command } = JSON.parse(output.stdout) as Advice;
    output.stdout = '';
    await run(...SMALL, '--explain');
    for (const [name] of command!.uses) expect(output.stdout).toMatch(new RegExp(`^${name}(?: \\S+)? {2,}\\w`, 'm'));
  });
});

describe('the page', () => {
  it('has a bar for each memory, ranges in its table, and a script that copies the command', async () => {
    const page = join(temporaryFolder(), 'a.html');
    expect(await run('gpt-oss-20b', '-w', 'rtx-2060+32GB', '--prompt', '512', '--html', page)).toBe(0);
    const html = readFileSync(page, 'utf8');
    const { answer } = await adviceFor('gpt-oss-20b', 'rtx-2060+32GB', { prompt: 512 });
    const bars = [...html.matchAll(/<dt>([^<]*)<\/dt><dd><div class="bar"[^>]*>(.*?)<\/div>/g)];
    expect(bars.map(([, name]) => name)).toEqual(['GPU', 'host']);
    for (const [i, [, , parts]] of bars.entries()) {
      const { compute, has, kv, weights } = answer!.devices[i]!;
      const widths = [...parts!.matchAll(/width:([\d.]+)%/g)].map(([, width]) => Number(width));
      expect(widths.reduce((sum, width) => sum + width, 0)).toBeCloseTo((100 * (weights + kv + compute)) / has, 1);
    }
    expect(html).toMatch(/<td class="n" data-label="decode">\d+ \([\d.]+ to [\d.]+\)<\/td>/);
    expect(html).toContain("querySelectorAll('pre.copy')");
    expect(html).toMatch(/script-src 'sha256-/);
  });
});

describe('the context', () => {
  it('is no longer than the model was trained on, unless that is asked for', async () => {
    const said = async (...more: string[]): Promise<string> => {
      output.stdout = '';
      expect(await run('olmoe-1b-7b', '-w', 'rtx-3060+32GB', '-v', '--prompt', '512', ...more)).toBe(0);
      return output.stdout.replace(/\s+/g, ' ');
    };
    const usual = await said();
    expect(usual).toContain(' -c 4096 ');
    expect(usual).toContain('The model was trained on 4,096 tokens of context, so it gets no more.');
    expect(usual).not.toContain('context of ');
    expect(await said('--context', '8192')).toContain('trained on 4,096 tokens of context: with more, answers become worse or end.');
    expect(await said('--context', '2048')).not.toContain('was trained on');
  });
});

describe('the prompt', () => {
  it('is as long as asked for: the context grows with it, or has no room for it', async () => {
    // 16,000 and an answer of 512 are 16.13 times 1,024.
    expect(await run(...SMALL, '--prompt', '16000', '--json')).toBe(0);
    expect(JSON.parse(output.stdout)).toMatchObject({ context: 17 * 1024, request: { prompt: 16_000, output: 512 } });
    expect(await run(...SMALL, '--prompt', '4000', '--context', '4096')).toBe(2);
    expect(output.stderr).toBe(
      'moeprof: --prompt 4000: does not fit into a context of 4,096 tokens beside an answer of 512; give --context 4512 or more\n',
    );
    output.stderr = '';
    expect(await run(...SMALL, '--answer', '20000', '--context', '16384')).toBe(2);
    expect(output.stderr).toBe('moeprof: --answer 20000: does not fit into a context of 16,384 tokens; give --context 20000 or more\n');
  });
});

describe('a model in files', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'tiny.gguf');
  writeGguf(file, tinyMetadata(2), [...TINY_OUTER, ...tinyLayer(0, 'q4_k'), ...tinyLayer(1, 'q4_k')]);
  const lineFor = async (path: string, runtime: string): Promise<string> => {
    output.stdout = '';
    expect(await run(path, '-w', 'rtx-3060+32GB', '--prompt', '512', '--runtime', runtime, '--json')).toBe(0);
    return (JSON.parse(output.stdout) as Advice).command!.steps.flatMap(({ lines }) => lines).join('\n');
  };

  it('is named by its path, or by that in its folder', async () => {
    expect(await lineFor(file, 'llama.cpp')).toContain(`-m ${file} `);
    expect(await lineFor(folder, 'llama.cpp')).toContain(`-m ${file} `);
    const ollama = await lineFor(file, 'ollama');
    expect(ollama).toContain(`FROM ${file}\n`);
    expect(ollama).toContain('ollama create tiny-mix -f');
  });

  it('is called as its file is usually, where only its config.json is there', async () => {
    const config = fileURLToPath(new URL('../fixtures/models/gpt-oss-20b.json', import.meta.url));
    expect(await lineFor(config, 'llama.cpp')).toMatch(/-m \S+\.gguf /);
  });

  it('comes in no other format', async () => {
    expect(await run(file, '-w', 'rtx-3060+32GB', '--quantizations', 'q4_k_m')).toBe(2);
    expect(output.stderr).toContain('a GGUF file is what it is');
  });
});

describe('recorded routing', () => {
  it('is walked instead of a drawn one', async () => {
    expect(await run(...SMALL, '-v', '-t', 'mini-mixtral-8x8l', '--prompt', '512')).toBe(0);
    expect(output.stdout).toContain('Routing is recorded.');
  });

  it('must be long enough', async () => {
    expect(await run(...SMALL, '-t', 'mini-mixtral-8x8l', '--users', '64')).toBe(2);
    expect(output.stderr).toMatch(/has [\d]+ tokens, and 24642 are walked; take a longer one/);
  });
});

describe('a model that memory does not hold', () => {
  const small = ['mixtral-8x7b', '-w', 'rtx-3060+16GB+nvme-7GB/s', '--quantizations', 'q8_0', '--prompt', '512'];

  it('is read from the disk that the machine names', async () => {
    expect(await run(...small, '--json')).toBe(0);
    const { answer, bound, purchases } = JSON.parse(output.stdout) as Advice;
    expect(answer!.setting.fromDisk).toBe(true);
    expect(bound!.decode).toBe('the SSD');
    expect(purchases.map(({ part }) => part)).toContain('a drive of 14.0 GB/s, not 7.00 GB/s');
    output.stdout = '';
    await run(...small, '-v');
    expect(output.stdout).toMatch(/GiB on disk/);
    expect(output.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /GiB of weights in [\d.]+ GiB of memory: [\d.]+ GiB stay on the disk, and experts are read from it as they are needed; [\d.]+ tok\/s in place of [\d.]+ tok\/s/,
    );
    // 44.1 GiB of experts and 12 GiB of memory: nothing is free for prompts that are done.
    expect(output.stdout).toMatch(/ -cram 0$/m);
  });

  it('does not fit where the machine names none, and a usual one is taken beside it', async () => {
    expect(await run('mixtral-8x7b', '-w', 'rtx-3060+16GB', '--quantizations', 'q8_0', '--prompt', '512')).toBe(1);
    expect(output.stdout).toMatch(/^From a drive \(nvme-3\.5GB\/s, assumed\), experts as they are needed, [\d.]+ tok\/s:$/m);
    expect(output.stdout).toMatch(/^ {4}moeprof advise mixtral-8x7b -w rtx-3060\+16GB\+nvme-3\.5GB\/s$/m);
  });
});

describe('exit codes', () => {
  it('are 1 where nothing fits, with what is missing', async () => {
    expect(await run('kimi-k2', '-w', 'rtx-3060+16GB', '--prompt', '512')).toBe(1);
    expect(output.stdout.replaceAll(/\s+/g, ' ')).toMatch(/Nothing fits: ud-iq1_s: needs .* more of host memory/);
  });

  it('are 1 where no setting keeps the targets', async () => {
    expect(await run(...SMALL, '--goal', 'tpot=1us')).toBe(1);
    expect(output.stdout).toContain('No setting keeps the targets');
    output.stdout = '';
    expect(await run(...SMALL, '--goal', 'tpot=10s')).toBe(0);
  });

  it.each([
    [['nothing-like-it', '-w', MACHINE], 'unknown model "nothing-like-it"'],
    [[...SMALL, '--runtime', 'lama.cpp'], '--runtime: unknown runtime "lama.cpp": did you mean "llama.cpp"'],
    [[...SMALL, '--goal', 'speed'], '--goal: unknown goal "speed"'],
    [[...SMALL, '--context', '0'], '--context: must be at least 1'],
    [[...SMALL, '--users', 'many'], '--users'],
    [[...SMALL, '--quantizations', 'q4_k_m,'], '--quantizations q4_k_m,: has an empty name'],
    [[...SMALL, '--quantizations', 'q9'], '--quantizations: unknown quantization "q9"'],
    [[...SMALL, '--quantizations', 'q4_k_m,q3_k_m,q4_k_m'], '--quantizations q4_k_m,q3_k_m,q4_k_m: names q4_k_m twice; name each once'],
    [['gpt-oss-20b', '-w', 'rtx-9999'], 'rtx-9999'],
    [[...SMALL, '--shell', 'fish'], "--shell <shell>' argument 'fish' is invalid"],
    [['--best', '0', '-w', MACHINE], '--best: must be at least 1'],
  ])('are 2 for %j', async (args, message) => {
    expect(await run(...args)).toBe(2);
    expect(output.stderr).toContain(message);
    expect(output.stderr.trim().split('\n')).toHaveLength(1);
  });
});
