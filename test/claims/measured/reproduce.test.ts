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

  it('has ExpertFlow at least 1.5 times as fast as Cache-MoE at three settings, and Mixtral-offloading above LRU on both of its machines', () => {
    const fast = claimsOf('expertflow').filter(({ says }) => says.endsWith('over Cache-MoE'));
    expect(fast).toHaveLength(3);
    for (const { moeprof, published } of fast) expect([published! > 1.8, moeprof! > 1.5]).toEqual([true, true]);
    for (const { met } of claimsOf('mixtral-offloading')) expect(met).toBe(true);
    for (const { met } of claimsOf('adapmoe')) expect(met).toBe(true);
  });
});
