// Benchmarks take modules of the build by their paths, which no compiler checks: each is a file of src and exports what is taken from it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');
const scripts = (readdirSync(`${root}bench`, { recursive: true, encoding: 'utf8' }) as string[]).filter((name) => name.endsWith('.mjs'));

/** What a script takes from the build: paths, and the names that it takes out of each. */
function takenBy(text: string): { readonly path: string; readonly names: readonly string[] }[] {
  const named = [...text.matchAll(/\{ ([\w, ]+) \} = await fromBuild\('([^']+)'\)/g)].map(([, names, path]) => ({
    path: path!,
    names: names!.split(', '),
  }));
  // In lists, too, which `fromBuild` is mapped over.
  const others = [...text.matchAll(/'([\w-]+(?:\/[\w-]+)*\.js)'/g)].map(([, path]) => ({ path: path!, names: [] }));
  return [...named, ...others.filter(({ path }) => !named.some((one) => one.path === path))];
}

/** `bench/script: path` of what src does not have, with the name where it is only that. */
function missing(script: string, text: string): string[] {
  return takenBy(text).flatMap(({ names, path }) => {
    const source = `src/${path.replace(/\.js$/, '.ts')}`;
    if (!existsSync(root + source)) return [`bench/${script}: ${source}`];
    const exported = read(source)
      .match(/^export .*?(\{[^}]*\}|$)/gm)!
      .join('\n');
    return names.filter((name) => !new RegExp(`\\b${name}\\b`).test(exported)).map((name) => `bench/${script}: ${source}: ${name}`);
  });
}

it('benchmarks take what src has', () => {
  const texts = scripts.map((script) => [script, read(`bench/${script}`)] as const);
  expect(texts.flatMap(([, text]) => takenBy(text)).length).toBeGreaterThan(60);
  expect(texts.filter(([, text]) => text.includes('../build/'))).toEqual([]);
  expect(texts.flatMap(([script, text]) => missing(script, text))).toEqual([]);
});

it('what src lacks is told', () => {
  const text = `const { chunks, pieces } = await fromBuild('trace/trace.js'); const { run } = await fromBuild('engine/none.js');`;
  expect(missing('a.mjs', text)).toEqual(['bench/a.mjs: src/trace/trace.ts: pieces', 'bench/a.mjs: src/engine/none.ts']);
});
