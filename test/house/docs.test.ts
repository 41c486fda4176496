// Pages: every one can be reached, every file, section and script that they name exists, and every command, flag and law has its place.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { declared } from '../../src/cli/kit/declared.js';
import { RUN } from '../../src/cli/run-options.js';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const pages = readdirSync(new URL('docs', root)).filter((name) => name.endsWith('.md'));
const texts = [...pages.map((name) => `docs/${name}`), 'README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];

it('the README links every page', () => {
  const readme = read('README.md');
  expect(pages.filter((name) => !readme.includes(`](docs/${name})`))).toEqual([]);
});

/** Anchors of the headings of a page, as GitHub and VitePress make them. */
const anchorsOf = (text: string): string[] =>
  [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .replaceAll(/\[([^\]]*)\]\([^)]*\)|`/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );

describe.each(texts)('%s', (path) => {
  const text = read(path);
  const named = [...text.matchAll(/`((?:src|test|scripts|bench|recorders|docs)\/[\w./-]+)(?::\d+)?`/g)].map(([, file]) => file!);
  const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, file, anchor]) => ({
    file: file === '' ? fileURLToPath(new URL(path, root)) : fileURLToPath(new URL(file!, new URL(path, root))),
    anchor,
  }));

  it('names only files that exist', () => {
    const files = [...named.map((file) => fileURLToPath(new URL(file, root))), ...links.map(({ file }) => file)];
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
  });

  it('links only to sections that are there', () => {
    const stray = links.filter(
      ({ anchor, file }) => anchor !== undefined && file.endsWith('.md') && !anchorsOf(readFileSync(file, 'utf8')).includes(anchor),
    );
    expect(stray).toEqual([]);
  });
});

it('the policy among the examples is that of its page', () => {
  expect(read('docs/extend.md')).toContain(`\`\`\`js\n${read('examples/second-use.mjs')}\`\`\``);
});

describe('pages', () => {
  const all = texts.map(read).join('\n');

  it('show every command', () => {
    expect(commands.map(({ name }) => name).filter((name) => !all.includes(`moeprof ${name}`))).toEqual([]);
  });

  it('show every flag of a run', () => {
    const flags = declared(new Command(), RUN).options.map(({ short, long }) => [long!, ...(short === undefined ? [] : [` ${short} `])]);
    expect(flags.filter((names) => !names.some((name) => all.includes(name)))).toEqual([]);
  });

  it('name scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const named = [...all.matchAll(/npm run (?:--silent )?([a-z][a-z0-9:]*)/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it('of the architecture are drawn from the imports of today', () => {
    const script = fileURLToPath(new URL('scripts/map.mjs', root));
    expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toBe('');
  });
});

describe('laws', () => {
  const tests = readdirSync(new URL('test', root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`test/${file}`))
    .join('\n');
  const laws = [...read('docs/semantics.md').matchAll(/^\*\*(L\d+) /gm)].map(([, law]) => law!);

  it('have numbers that rise, each given once', () => {
    const numbers = laws.map((law) => Number(law.slice(1)));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(laws.length).toBeGreaterThanOrEqual(16);
  });

  it('have each a test that names it', () => {
    expect(laws.filter((law) => !new RegExp(`\\b${law}\\b`).test(tests))).toEqual([]);
  });
});
