// The paper of examples/paper, by the commands of its page: table, figures and references that LaTeX takes as they are. Without latexmk a test
// skips, and says so; with MOEPROF_LATEX=required (as CI sets) it fails.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { inTurn, temporaryFolder } from './moeprof.js';
import { argumentsOf } from './screens.js';
import { isThere } from './valkey.js';

const hasLatex = isThere('latexmk', '--version') && isThere('pdflatex', '--version');

/** The commands of the page, in their order. */
const [, shown = ''] = /In that folder\n\n((?: {4}.*\n)+)/.exec(readFileSync('docs/studies.md', 'utf8')) ?? [];
const commands = shown.trim().split(/\n */);

const cwd = temporaryFolder();
beforeAll(async () => {
  cpSync('examples/paper', cwd, { recursive: true });
  expect(commands.at(-1)).toBe('latexmk -pdf paper.tex');
  for (const command of commands.slice(0, -1)) {
    const { code, stderr } = await inTurn(argumentsOf(command), { cwd });
    expect([code, stderr], command).toEqual([0, '']);
  }
});

const read = (name: string): string => readFileSync(join(cwd, name), 'latin1');

describe('the paper of the examples', () => {
  it('has a table with two levels of heads, units in the head, and the oracle apart, which is never bold', () => {
    const lines = read('speed.tex').split('\n');
    expect(lines).toContain('     & \\multicolumn{6}{c}{Decode speed (tok/s)} \\\\');
    expect(lines).toContain('     & \\multicolumn{3}{c}{Tesla T4} & \\multicolumn{3}{c}{RTX 4090} \\\\');
    const oracle = lines.findIndex((line) => line.startsWith('    belady & '));
    expect(lines[oracle - 1]).toBe('    \\midrule');
    expect(lines[oracle]).not.toContain('textbf');
    expect(lines.filter((line) => line.includes('\\textbf')).length).toBeGreaterThan(0);
  });

  it('has figures whose fonts are part of them, or those of the paper', () => {
    expect(read('hits.pdf')).toMatch(/^%PDF-/);
    expect(read('hits.pdf')).toMatch(/\/FontFile[23]/);
    expect(read('speed.pgf')).toMatch(/^% Needs \\usepackage\{pgf\}.*\\begin\{pgfpicture\}.*\}Tesla T4\}.*\\end\{pgfpicture\}%\n$/s);
  });

  it('cites what the runs are made from, each once', () => {
    const keys = [...read('used.bib').matchAll(/^@misc\{([^,]+),/gm)].map(([, key]) => key);
    expect(keys).toEqual(expect.arrayContaining(['moeprof', 'llama-cpp', 's3-fifo', 'belady', 'lrfu']));
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.filter((key) => key!.startsWith('measured'))).toEqual([]);
  });

  it('is LaTeX without an error, a missing reference, or a line that is too wide', { timeout: 120_000 }, () => {
    if (!hasLatex) {
      if (process.env.MOEPROF_LATEX === 'required') throw new Error('latexmk or pdflatex is not here');
      console.warn('SKIPPED: the example paper was not given to LaTeX, which is not here');
      return;
    }
    execFileSync('latexmk', ['-pdf', '-interaction=nonstopmode', '-halt-on-error', 'paper.tex'], { cwd, stdio: 'pipe' });
    expect(read('paper.pdf')).toMatch(/^%PDF-/);
    expect(read('paper.log')).not.toMatch(/undefined|multiply defined|Overfull|^!/m);
    expect(read('paper.bbl').match(/\\bibitem/g)!.length).toBe([...read('used.bib').matchAll(/^@misc/gm)].length);
    // Bitmap fonts, which printers refuse.
    expect(read('paper.pdf')).not.toContain('/Type3');
  });
});

describe('a picture', () => {
  it('is PNG of 300 dots an inch on white', async () => {
    const plot = ['plot', 'runs.jsonl', '--x', 'memory.expertCache', '--series', 'policy', '--facet', 'hardware', '--width', '60'];
    expect((await inTurn([...plot, '-q', '-o', 'a.png'], { cwd })).code).toBe(0);
    const png = readFileSync(join(cwd, 'a.png'));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBe(Math.round((60 / 25.4) * 300));
    const data: Buffer[] = [];
    for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
      if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
    // The first pixel, after the kind of filter of its row: white, and not to be seen through.
    expect([...inflateSync(Buffer.concat(data)).subarray(1, 5)]).toEqual([255, 255, 255, 255]);
  });

  it.each([
    ['--label', 'lru', '--label lru: expected a name and its words, e.g. --label lru="Plain LRU"'],
    ['--label', 'lruu=LRU', '--label lruu: no such name is shown; did you mean "lru"?'],
    ['-o', 'pdf=-', 'pdf is no text; write it to a file: -o pdf=<path>'],
  ])('refuses %s %s', async (flag, value, message) => {
    const { code, stderr } = await inTurn(['plot', 'runs.jsonl', '--x', 'memory.expertCache', '--series', 'policy', flag, value], { cwd });
    expect([code, stderr]).toEqual([2, `moeprof: ${message}\n`]);
  });

  it('shows hostile words as they are, in LaTeX, too', { timeout: 60_000 }, async () => {
    const words = '\\input{/etc/passwd}%$&_#{}~^\u001b[31m';
    const plot = ['plot', 'runs.jsonl', '--x', 'memory.expertCache', '--series', 'policy', '--label', `lru=${words}`, '--title', words];
    expect((await inTurn([...plot, '-q', '-o', 'h.pgf', '-o', 'h.svg'], { cwd })).code).toBe(0);
    const table = ['table', 'runs.jsonl', '--rows', 'policy', '--label', `lru=${words}`, '--title', words];
    expect((await inTurn([...table, '-q', '-o', 'h.tex'], { cwd })).code).toBe(0);
    for (const name of ['h.pgf', 'h.tex']) {
      expect(read(name)).not.toContain('\\input{');
      expect(read(name)).toContain('\\textbackslash{}input\\textbraceleft{}/etc/passwd\\textbraceright{}\\%\\$\\&\\_\\#');
    }
    if (!hasLatex) return;
    writeFileSync(
      join(cwd, 'h-paper.tex'),
      '\\documentclass{article}\\usepackage{booktabs, pgf}\\usepgflibrary{svg.path}\\begin{document}\\input{h.tex}\\input{h.pgf}\\end{document}\n',
    );
    execFileSync('pdflatex', ['-interaction=nonstopmode', '-halt-on-error', 'h-paper.tex'], { cwd, stdio: 'pipe' });
    expect(existsSync(join(cwd, 'h-paper.pdf'))).toBe(true);
  });
});
