// References: everything that a bundled profile cites is one, and BibTeX that a parser written apart, and BibTeX itself where it is here, read.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { listProfiles } from '../../../src/base/profiles.js';
import { POLICIES } from '../../../src/cache/policies/index.js';
import { bibtex } from '../../../src/figure/cite/bibtex.js';
import { citationOf, citationsIn } from '../../../src/figure/cite/citations.js';
import { citedBy } from '../../../src/figure/cite/cited.js';
import type { RunRow } from '../../../src/figure/table/run-row.js';
import { VERSION } from '../../../src/result/version.js';
import { loadSystem } from '../../../src/system/system.js';
import { temporaryFolder } from '../../support/folder.js';

const row = (key: RunRow['key'], config?: RunRow['config']): RunRow => ({
  ...{ status: 'done', reason: null, values: {}, metrics: {}, key },
  ...(config === undefined ? {} : { config }),
});

/** Entries of BibTeX: fields by name. Braces must match, and keys must be unlike each other. */
function entriesOf(text: string): Map<string, Map<string, string>> {
  const entries = new Map<string, Map<string, string>>();
  let at = 0;
  const balanced = (): string => {
    let depth = 0;
    const from = at + 1;
    for (; at < text.length; at++) {
      if (text[at] === '\\') at++;
      else if (text[at] === '{') depth++;
      else if (text[at] === '}' && --depth === 0) return text.slice(from, at++);
    }
    throw new Error('a brace is not closed');
  };
  while (true) {
    const head = /\s*@misc(?=\{)/y;
    head.lastIndex = at;
    if (head.exec(text) === null) break;
    at = head.lastIndex;
    const body = balanced();
    const [, key, rest] = /^([A-Za-z0-9.-]+),\n([\s\S]*)$/.exec(body)!;
    expect(entries.has(key!), key).toBe(false);
    const fields = new Map<string, string>();
    for (const line of rest!.trimEnd().split('\n')) {
      const [, name, value] = /^ {2}([a-z]+) = \{(.*)\},$/.exec(line)!;
      fields.set(name!, value!);
    }
    entries.set(key!, fields);
  }
  expect(text.slice(at).trim()).toBe('');
  return entries;
}

/** All references that bundled systems, policies and runtimes lead to. */
const ALL = citedBy([
  ...listProfiles('systems').map((system) => row({ system })),
  ...POLICIES.map(({ name }) => row({ policy: name })),
  ...listProfiles('runtimes').map((runtime) => row({ runtime })),
  row({ trace: 'code_%&.safetensors+mini-mixtral-8x8l+synthetic', trace_sha256: `${'ab'.repeat(32)}+${'c'.repeat(64)}+` }),
]);

describe('references', () => {
  it.each(listProfiles('systems'))('of %s are bundled ones', (name) => {
    const { cites } = loadSystem(name).value;
    if (cites === undefined) {
      expect(['all-resident', 'no-cache', 'on-demand-lru']).toContain(name);
      return;
    }
    const found = citationsIn(cites, name);
    expect(found.length).toBeGreaterThan(0);
    for (const { key, note } of found) expect([citationOf(key)?.key, note], cites).toEqual([key, undefined]);
    for (const [, number] of cites.matchAll(/arXiv (\d{4}\.\d{5})/g)) expect(found.map(({ arxiv }) => arxiv)).toContain(number);
  });

  it('of a system of one’s own are what it says', () => {
    expect(citationsIn('arXiv 2699.00001 (CONF); github.com/me/mine', 'my system')).toEqual([
      { key: 'my-system-2699.00001', title: 'my system', arxiv: '2699.00001' },
      { key: 'me-mine', type: 'software', title: 'mine', url: 'https://github.com/me/mine' },
    ]);
    expect(citationsIn('a talk', 'mine')).toEqual([{ key: 'mine', title: 'mine', note: 'a talk' }]);
    const [, own] = citedBy([row({ system: 'mine' }, { system: { cites: 'arXiv 2401.14361' } })]);
    expect(own?.key).toBe('moe-infinity');
  });

  it('of runs are moeprof, systems, policies, runtimes, and recordings, each once; measurements if they are asked for', () => {
    const rows = [
      row({ system: 'fiddler', policy: 's3-fifo:small=0.2', runtime: 'llama.cpp', trace: 'mini-mixtral-8x8l', trace_sha256: '1' }),
      row({ system: 'fiddler', policy: './mine.mjs', trace: '/tmp/mine.npy#0:10', trace_sha256: 'f'.repeat(64) }),
    ];
    const keys = citedBy(rows).map(({ key }) => key);
    expect(keys).toEqual(['moeprof', 'fiddler', 's3-fifo', 'llama-cpp', 'trace-ffffffffffff']);
    const all = citedBy(rows, true).map(({ key }) => key);
    expect(all.slice(0, 5)).toEqual(keys);
    expect(all.filter((key) => key.startsWith('measured-github.com')).length).toBeGreaterThan(5);
    expect(new Set(all).size).toBe(all.length);
    expect(citedBy([]).map(({ key }) => key)).toEqual(['moeprof']);
  });

  it('name authors by more than one word, or none', () => {
    for (const { authors = [], key } of ALL)
      for (const name of authors) expect(name === 'others' || name.includes(' '), `${key}: ${name}`).toBe(true);
  });
});

describe('BibTeX', () => {
  it('of every reference has a title, matching braces and a key of its own', () => {
    const entries = entriesOf(bibtex(ALL));
    expect(entries.size).toBe(ALL.length);
    for (const [key, fields] of entries) {
      expect(fields.get('title'), key).toMatch(/^\{.+\}$/);
      for (const value of fields.values()) expect(value, key).not.toMatch(/(?<!\\)[%&#](?!.*\/\/)|undefined/);
    }
    expect([...entries.get('fiddler')!]).toEqual([
      ['author', 'Keisuke Kamahori and Yile Gu and Kan Zhu and Baris Kasikci'],
      ['title', '{Fiddler: CPU-GPU Orchestration for Fast Inference of Mixture-of-Experts Models}'],
      ['year', '2024'],
      ['eprint', '2402.07033'],
      ['archiveprefix', 'arXiv'],
      ['url', 'https://arxiv.org/abs/2402.07033'],
    ]);
    expect(entries.get('trace-abababababab')!.get('title')).toBe('{Routing trace code\\_\\%\\&.safetensors}');
    expect(entries.get('moeprof')!.get('author')).toBe('{The moeprof authors}');
  });

  it('keeps braces that do not match, backslashes and signs of TeX as text', () => {
    const cites = 'a } talk { of 100 % \\ $x_1^2$ & #2 ~ @misc{other, title = {x}}';
    const name = 'code}{_{{.safetensors';
    const rows = [row({ system: 'my } system', trace: `/tmp/${name}`, trace_sha256: 'cd'.repeat(32) }, { system: { cites } })];
    const hostile = citationsIn(`${cites} github.com/me/mi}ne`, 'own');
    const entries = entriesOf(bibtex([...citedBy(rows), ...hostile, { key: 'url', title: '}', url: 'https://a.b/{x}\\%', venue: '{' }]));
    const fields = [...entries.values()].flatMap((entry) => [...entry.values()]);
    // BibTeX counts every brace, whatever stands before it.
    for (const value of fields) {
      let depth = 0;
      const depths = [...value].map((sign) => (depth += sign === '{' ? 1 : sign === '}' ? -1 : 0));
      expect([Math.min(0, ...depths), depth], value).toEqual([0, 0]);
    }
    expect(entries.get('url')!.get('url')).toBe('https://a.b/%7Bx%7D%5C%25');
    expect(entries.get('url')!.get('title')).toBe('{\\textbraceright{}}');
    expect(fields.some((value) => value.includes('talk \\textbraceleft{} of 100 \\% \\textbackslash{} \\$x\\_1'))).toBe(true);
  });

  it('is taken by BibTeX and LaTeX, where they are here', { timeout: 60_000 }, () => {
    if (spawnSync('bibtex', ['--version']).error !== undefined || spawnSync('pdflatex', ['--version']).error !== undefined) {
      console.warn('SKIPPED: references were not given to BibTeX, which is not here');
      return;
    }
    const cwd = temporaryFolder();
    try {
      writeFileSync(join(cwd, 'used.bib'), bibtex(ALL));
      writeFileSync(
        join(cwd, 'a.tex'),
        '\\documentclass{article}\\usepackage{url}\\begin{document}x\\nocite{*}\\bibliographystyle{plain}\\bibliography{used}\\end{document}\n',
      );
      const latex = () => execFileSync('pdflatex', ['-interaction=nonstopmode', '-halt-on-error', 'a.tex'], { cwd, stdio: 'pipe' });
      latex();
      const said = execFileSync('bibtex', ['a'], { cwd, encoding: 'utf8' });
      expect(said).not.toMatch(/Warning--(?!empty|to sort)|error message/);
      latex();
      expect(readFileSync(join(cwd, 'a.bbl'), 'utf8').match(/\\bibitem/g)!.length).toBe(ALL.length);
    } finally {
      rmSync(cwd, { recursive: true });
    }
  });
});

it('CITATION.cff says what the bundled reference says', () => {
  const cff = parse(readFileSync('CITATION.cff', 'utf8')) as {
    title: string;
    version: string;
    authors: { name: string }[];
    license: string;
  };
  const { authors, title } = citationOf('moeprof');
  expect([cff.title, cff.version, cff.authors.map(({ name }) => name), cff.license]).toEqual([title, VERSION, authors, 'Apache-2.0']);
});
