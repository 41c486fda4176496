// docs/systems.md is what the system files say:
// MOEPROF_UPDATE=1 npx vitest run --project unit test/system/page.test.ts writes it anew.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import { rankingReports } from '../../src/report/ranking/ranking.js';
import type { Result } from '../../src/result/result.js';
import { checkRun } from '../../src/system/load-run.js';
import type { SystemSpec } from '../../src/system/system.js';
import { expectShown } from '../support/shown.js';
import { exampleOf } from './example.js';
import { describedSystems, pageOf } from './page.js';

const page = fileURLToPath(new URL('../../docs/systems.md', import.meta.url));

const systems = describedSystems();

/** The systems of the ranking on the page. */
const RANKED = ['on-demand-lru', 'mixtral-offloading', 'fiddler', 'expertflow', 'all-resident'];

/** What `moeprof run -s a,b,c` prints of them. */
async function ranking(): Promise<string> {
  const results: Result[] = [];
  for (const system of RANKED) {
    const memory = system === 'all-resident' ? {} : { expertCache: '25%' };
    results.push(
      await simulate({
        trace: 'mini-finegrained-64x12l',
        hardware: 't4',
        runtime: 'llama.cpp',
        system,
        memory,
        // As the command tells every system where one of them counts popularity.
        workload: { tokens: 1000, holdOut: '20%' },
      }),
    );
  }
  return rankingReports[0]!.render(results, { color: false, width: 80, unicode: true, verbose: false });
}

/** The page holds a block between the comments of this name. */
function expectBlock(name: string, block: string): void {
  const test = 'test/system/page.test.ts';
  const marks = [`<!-- ${name}: written by ${test} -->\n`, `<!-- end of ${name} -->\n`] as const;
  expectShown('docs/systems.md', marks, `\n${block.trimEnd()}\n\n`, test);
}

describe('docs/systems.md', () => {
  it('says of every system what its file says', () => {
    expectBlock('systems', pageOf(systems));
  });

  it('shows a ranking as it is printed today', { timeout: 60_000 }, async () => {
    expect(readFileSync(page, 'utf8')).toContain(`-s ${RANKED.join()}\n`);
    expectBlock('ranking', (await ranking()).replace(/^(?=.)/gm, '    '));
  });

  it('has every published system on the list in the README', () => {
    const [, list] = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8').split('## Which system?');
    const names = /\n\n((?:[\w.-]+,\s)+[\w.-]+)\.\n/.exec(list!)![1]!.split(/,\s/);
    expect(names).toEqual(systems.filter(({ kind }) => kind === 'published').map(({ name }) => name));
  });
});

describe('system files', () => {
  it('are at least 20 published systems, each with a summary of its own and a source', () => {
    const published = systems.filter(({ kind }) => kind === 'published');
    expect(published.length).toBeGreaterThanOrEqual(20);
    expect(new Set(systems.map(({ summary }) => summary)).size).toBe(systems.length);
    for (const { name, spec, summary } of systems) {
      expect(summary, name).toMatch(/^\S.*\.$/);
      expect(spec.simplifies ?? '', name).not.toBe('');
    }
  });

  it('are compositions of their own: no two differ in name alone', () => {
    const parts = ({ cites: _cites, name: _name, simplifies: _simplifies, ...rest }: SystemSpec): object => rest;
    for (const [i, a] of systems.entries()) {
      for (const b of systems.slice(i + 1)) {
        // What is left of expertflow without prediction is the plain cache, and is meant to be.
        if (a.name === 'expertflow-no-predictor' && b.name === 'on-demand-lru') continue;
        expect(isDeepStrictEqual(parts(a.spec), parts(b.spec)), `${a.name} is ${b.name} under another name`).toBe(false);
      }
    }
  });

  it('are each run by a command that can be read', () => {
    for (const { spec } of systems) {
      const { command, run } = exampleOf(spec);
      expect(command).toContain(`-s ${spec.name}`);
      expect(() => checkRun(run, 'test')).not.toThrow();
    }
  });
});
