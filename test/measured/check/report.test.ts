// What a check says beside its verdict: what of the machine was taken, and that a run cannot be this machine's.
import { describe, expect, it } from 'vitest';
import type { CheckedRun } from '../../../src/measured/check/check.js';
import { checkReports } from '../../../src/measured/check/report.js';

const run = (measured: number, expected: number, unplaced = false): CheckedRun => {
  const slow = measured < expected / 2;
  const speeds = [{ metric: 'decode', measured, expected, ratio: measured / expected, band: null, slow }] as const;
  const verdict = slow ? 'slow' : 'normal';
  return {
    place: 'a.log:9',
    runtime: 'llama.cpp',
    model: 'm',
    placement: 'cpu-layers',
    unplaced,
    takenLayers: 0,
    uncounted: [],
    speeds,
    lacks: null,
    verdict,
    findings: [],
  };
};

const said = (one: CheckedRun, assumed: string[] = []): string =>
  checkReports[0]
    .render({ machine: 'box', runs: [one], calibration: null, assumed }, { color: false, width: 80, unicode: true, verbose: false })
    .replace(/\s+/g, ' ');

describe('a checked log', () => {
  it('says what was taken for parts that were not given, as a warning where the run is slow', () => {
    const assumed = ['Memory not given: 2xddr5-5200.'];
    expect(said(run(10, 40), assumed)).toContain('! Memory not given: 2xddr5-5200. If yours differ, name them with -w.');
    expect(said(run(40, 40), assumed)).toContain('i Memory not given: 2xddr5-5200.');
    expect(said(run(10, 40))).not.toContain('not given');
  });

  it('says where experts were taken to lie if nothing in the log tells it', () => {
    expect(said(run(10, 40, true))).toContain('! a.log:9: nothing says where the experts lie; all are taken to be on the GPU.');
    expect(said(run(40, 40, true))).toContain('i a.log:9: nothing says where the experts lie');
    expect(said(run(10, 40))).not.toContain('experts lie');
  });

  it('asks for the right machine first, and says how much faster a run is without a cause', () => {
    const finding = { weight: 0.45, evidence: 'decode reaches 2.5 times.', advice: 'Name it.', cause: 'mistaken', title: 'is it right?' };
    const other = { ...finding, weight: 1, cause: 'paging', title: 'paging' };
    const text = said({ ...run(100, 40), verdict: 'fast', findings: [other, finding] });
    expect(text).toMatch(/faster than comparable runs.*! is it right\?: decode reaches 2\.5 times\. \(a\.log:9\) Name it\. ! paging/);
    expect(said({ ...run(79, 40), verdict: 'fast' })).toContain('a.log:9: up to 198 % of what was expected, and nothing in the log');
  });

  it('calls nothing normal that nothing comparable was measured of', () => {
    expect(said({ ...run(40, 40), verdict: 'unknown' })).toContain('1 run on box: nothing comparable was measured');
  });

  it('names settings that are not counted, and layers that were taken', () => {
    expect(said({ ...run(40, 40), uncounted: ['-sm row'] })).toContain(
      'a.log:9: not understood, and not counted in what is expected: -sm row.',
    );
    expect(said({ ...run(40, 40, true), takenLayers: 24 })).toContain(
      'those of 24 layers are taken to be in host memory, the fewest that fit',
    );
  });
});
