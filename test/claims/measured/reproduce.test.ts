// docs/reproduce.md is what `moeprof reproduce --all` writes today: MOEPROF_UPDATE=1 with this test writes it. What must hold whatever the
// figures are stands below.
import { beforeAll, describe, expect, it } from 'vitest';
import { listProfiles } from '../../../src/base/profiles.js';
import { reproductionReports } from '../../../src/measured/reproduce/report.js';
import { type Reproduced, reproduce } from '../../../src/measured/reproduce/reproduce.js';
import { expectShown } from '../../support/shown.js';

const TEST = 'test/claims/measured/reproduce.test.ts';

describe('every bundled paper, reproduced', () => {
  let papers: readonly Reproduced[] = [];
  const claimsOf = (paper: string) => papers.find(({ name }) => name === paper)!.claims;

  beforeAll(async () => {
    papers = await reproduce(listProfiles('reproductions'));
  }, 900_000);

  it('is on the page', () => {
    const markdown = reproductionReports[3].render(papers, { color: false, width: 80, unicode: true, verbose: false });
    expectShown('docs/reproduce.md', [`<!-- papers: written by ${TEST} -->\n`, '<!-- end of papers -->\n'], `\n${markdown}\n`, TEST);
  });

  it('meets every published direction, or says why not', () => {
    expect(papers.length).toBeGreaterThan(0);
    for (const { claims, name } of papers)
      for (const { met, says, why } of claims) expect(met !== false || why !== null, `${name}: ${says}`).toBe(true);
  });

  it('is explained only where that is needed', () => {
    expect(papers.length).toBeGreaterThan(0);
    for (const { claims, name } of papers)
      for (const { met, says, why } of claims) expect(met === true && why !== null, `${name}: ${says}`).toBe(false);
  });

  it('has at least 29 of 36 pairs of HybriMoE in the published order', () => {
    const orders = claimsOf('hybrimoe').filter(({ kind }) => kind === 'order');
    expect(orders).toHaveLength(6);
    expect(orders.reduce((reversed, { error }) => reversed + 6 * error, 0)).toBeLessThanOrEqual(7);
  });

  it('has hits of ExpertFlow over LRU within a tenth, its memory within a fifth, and 27 of its figures or more', () => {
    const claims = claimsOf('expertflow');
    expect(claims.length).toBeGreaterThanOrEqual(27);
    const near = (says: RegExp, count: number, within: number) => {
      const found = claims.filter((claim) => says.test(claim.says));
      expect(found).toHaveLength(count);
      for (const { error, says: what } of found) expect(Math.abs(error), what).toBeLessThan(within);
    };
    near(/hits, PLEC over LRU$/, 3, 0.1);
    near(/: memory$/, 7, 0.2);
    for (const { moeprof, says } of claims.filter(({ says }) => says.endsWith('over Cache-MoE'))) expect(moeprof, says).toBeGreaterThan(1);
  });

  it('has Mixtral-offloading above LRU on both of its machines', () => {
    for (const { met } of claimsOf('mixtral-offloading')) expect(met).toBe(true);
    for (const { met } of claimsOf('adapmoe')) expect(met).toBe(true);
  });
});
