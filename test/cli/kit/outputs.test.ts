// `-o`: formats are told from prefix or ending, files are opened before the work and are whole or absent after it.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { CliContext } from '../../../src/cli/kit/context.js';
import { declared } from '../../../src/cli/kit/declared.js';
import { output } from '../../../src/cli/kit/groups.js';
import { Outputs, parseOutput } from '../../../src/cli/kit/outputs.js';
import { reports } from '../../../src/report/formats/index.js';
import { sampleResult } from '../../result/sample.js';
import { temporaryFolder } from '../../support/folder.js';

/** A context that remembers what was printed and what a signal would clean up. */
function fakeContext(options: Partial<CliContext['options']> = {}): { context: CliContext; printed: () => string } {
  let text = '';
  const terminal = { color: false, width: 80, unicode: true };
  const context = {
    options: { quiet: false, verbose: false, color: undefined, progress: 'auto', debug: false, ...options },
    terminal,
    reportOptions: { ...terminal, verbose: false },
    out: (more: string) => (text += more),
  } as Partial<CliContext> as CliContext;
  return { context, printed: () => text };
}

const folder = (): string => temporaryFolder();
const target = (text: string): [string, string] => {
  const { format, path } = parseOutput(text, reports);
  return [format.name, path];
};

describe('the help of -o', () => {
  const helpOf = (formats: readonly { readonly name: string; readonly extensions: readonly string[] }[]): string =>
    declared(new Command(), output(formats.map((one) => ({ ...one, render: () => '' }))))
      .configureHelp({ helpWidth: 200, optionDescription: ({ description, defaultValueDescription: says }) => `${description} (${says})` })
      .helpInformation();

  it('says what stands on stdout without it, and which formats have no ending', () => {
    const table = { name: 'table', extensions: ['.txt'] };
    expect(helpOf([table, { name: 'heatmap', extensions: [] }])).toContain(
      '; heatmap needs its name before it), - is stdout (a table on stdout)',
    );
    expect(helpOf([table, { name: 'a', extensions: [] }, { name: 'b', extensions: [] }])).toContain('; a, b need their name before it)');
    expect(helpOf([{ name: 'svg', extensions: ['.svg'] }])).toContain('- is stdout (svg on stdout)');
  });
});

describe('parsing -o', () => {
  it('tells the format from the prefix or the ending', () => {
    expect(target('json=r.out')).toEqual(['json', 'r.out']);
    expect(target('r.json')).toEqual(['json', 'r.json']);
    expect(target('out/R.MD')).toEqual(['markdown', 'out/R.MD']);
    expect(target('m.csv')).toEqual(['csv', 'm.csv']);
    expect(target('t.txt')).toEqual(['table', 't.txt']);
    expect(target('-')).toEqual(['table', '-']);
    expect(target('markdown=-')).toEqual(['markdown', '-']);
    expect(target('./a=b.json')).toEqual(['json', './a=b.json']);
    expect(target('runs/lr=1.json')).toEqual(['json', 'runs/lr=1.json']);
    expect(target('json=a=b')).toEqual(['json', 'a=b']);
  });

  it.each([
    ['jsn=r.out', /-o jsn=r\.out: unknown format "jsn": did you mean "json"\? \(for a path with "=" write \.\/jsn=r\.out\)/],
    ['json=', /has no path; write json=<path>/],
    ['r.yaml', /the ending does not tell the format; use \.txt \(table\), \.json \(json\)/],
    ['result', /or write <format>=result/],
    ['', /-o: has no path/],
  ])('refuses %j', (text, message) => {
    expect(() => parseOutput(text, reports)).toThrow(message);
  });
});

describe('outputs', () => {
  it('prints a table where nothing else is asked for', async () => {
    const { context, printed } = fakeContext();
    await Outputs.open(context, reports, []).deliver(sampleResult());
    expect(printed()).toMatch(/^32\.0 tok\/s decode, [\s\S]*\nqwen3-30b-a3b/);
  });

  it('writes files, and keeps stdout for what was asked', async () => {
    const dir = folder();
    const { context, printed } = fakeContext();
    await Outputs.open(context, reports, [join(dir, 'r.json'), join(dir, 'r.md')], 'csv').deliver(sampleResult());
    expect(printed()).toMatch(/^model,quantization/);
    expect(JSON.parse(readFileSync(join(dir, 'r.json'), 'utf8'))).toMatchObject({ schema: 'moeprof.result/1' });
    expect(readdirSync(dir).sort()).toEqual(['r.json', 'r.md']);
  });

  it('prints nothing when quiet and writing files', async () => {
    const { context, printed } = fakeContext({ quiet: true });
    await Outputs.open(context, reports, [join(folder(), 'r.json')]).deliver(sampleResult());
    expect(printed()).toBe('');
  });

  it('prints no picture into a terminal when it is written to a file', async () => {
    const svg = { name: 'svg', extensions: ['.svg'], render: () => '<svg/>' };
    const { context, printed } = fakeContext();
    const file = join(folder(), 'a.svg');
    await Outputs.open(context, [svg], [file]).deliver(null);
    expect([printed(), readFileSync(file, 'utf8')]).toEqual(['', '<svg/>']);
    await Outputs.open(context, [svg], []).deliver(null);
    expect(printed()).toBe('<svg/>');
  });

  it('shows nothing of a file before it is delivered, and leaves nothing behind when dropped', () => {
    const dir = folder();
    writeFileSync(join(dir, 'r.json'), 'old');
    const outputs = Outputs.open(fakeContext().context, reports, [join(dir, 'r.json')]);
    expect(readFileSync(join(dir, 'r.json'), 'utf8')).toBe('old');
    outputs.abort();
    expect(readdirSync(dir)).toEqual(['r.json']);
    expect(readFileSync(join(dir, 'r.json'), 'utf8')).toBe('old');
  });
});

describe('paths of outputs', () => {
  it('refuses bad paths before any work, and drops what it had opened', () => {
    const dir = folder();
    mkdirSync(join(dir, 'sub.json'));
    const { context } = fakeContext();
    const open = (...specs: string[]): Outputs<ReturnType<typeof sampleResult>> => Outputs.open(context, reports, specs);
    expect(() => open(join(dir, 'r.json'), `${dir}/./r.json`)).toThrow('is given twice');
    writeFileSync(join(dir, 'routing.csv'), '');
    expect(() => Outputs.open(context, reports, [`${dir}/./routing.csv`], null, [join(dir, 'routing.csv')])).toThrow(
      'is the trace that is read',
    );
    expect(() => open('json=/dev/null', 'csv=/dev/null').abort()).not.toThrow();
    expect(() => open(join(dir, 'a.json'), join(dir, 'nowhere', 'r.json'))).toThrow(/its folder does not exist/);
    expect(() => open(join(dir, 'a.json'), join(dir, 'sub.json'))).toThrow(/is a folder; name a file in it/);
    expect(() => open('-', 'json=-')).toThrow(/only one format can go to stdout/);
    expect(() => open('a.json', 'csv=a.json')).toThrow(/a\.json: is given twice/);
    expect(() => Outputs.open(context, reports, [], 'htlm')).toThrow(/--format htlm: unknown format/);
    expect(readdirSync(dir).sort()).toEqual(['routing.csv', 'sub.json']);
  });

  it('writes through links, and into devices, rather than replacing them', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'real.json'), 'old');
    symlinkSync('real.json', join(dir, 'link.json'));
    const { context } = fakeContext({ quiet: true });
    await Outputs.open(context, reports, [join(dir, 'link.json'), 'json=/dev/null']).deliver(sampleResult());
    expect(readFileSync(join(dir, 'real.json'), 'utf8')).toMatch(/^\{/);
    expect(readdirSync(dir).sort()).toEqual(['link.json', 'real.json']);
    expect(existsSync('/dev/null')).toBe(true);
  });
});
