// `#FROM:TO` names rows wherever a trace is named: by path and by bundled name, replayed, counted, learned from, judged, inspected.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../src/advise/answer.js';
import { findProfile } from '../../src/base/profiles.js';
import { curveFor } from '../../src/capacity/curve-request.js';
import { openNamed } from '../../src/cli/trace/open.js';
import { simulate } from '../../src/engine/simulate.js';
import { openPrediction } from '../../src/predict/evaluation/inputs.js';
import { openPopularity } from '../../src/trace/open/open.js';
import { temporaryFolder } from './builders.js';

const NAME = 'mini-finegrained-64x12l';
const copy = join(temporaryFolder(), 'copy.safetensors');
copyFileSync(findProfile('traces', NAME), copy);

/** 12 layers, 6 choices each: rows times this are counted. */
const CHOICES = 12 * 6;
const sum = (counts: readonly Float64Array[]): number => counts.reduce((all, layer) => all + layer.reduce((a, b) => a + b, 0), 0);

describe.each([NAME, copy])('of %s', (trace) => {
  const slice = `${trace}#100:140`;
  const base = { model: NAME, hardware: 't4', bounds: false, memory: { expertCache: '25%' } } as const;

  it('are replayed, one range or several', async () => {
    const { inputs } = await simulate({ ...base, trace: slice });
    expect(inputs.traces.map(({ tokens }) => tokens)).toEqual([40]);
    const both = await simulate({ ...base, trace: [slice, `${trace}#:20`] });
    expect(both.inputs.traces.map(({ tokens }) => tokens)).toEqual([40, 20]);
  });

  it('are learned from and counted by a system', async () => {
    const system = { name: 'mine', cache: { policy: 'static', popularity: slice }, predictor: { kind: 'popularity', train: [slice] } };
    const { config } = await simulate({ ...base, trace: `${trace}#200:220`, system });
    expect(JSON.stringify(config)).toContain('#100:140');
  });

  it('are what a curve is drawn of, and what its popularity is counted on', async () => {
    const settings = { policies: ['static'], capacities: '25%', popularity: slice, threads: 0 };
    const { demand, config } = await curveFor({ model: NAME, trace: `${trace}#200:230` }, settings);
    expect(demand.tokens).toBe(30);
    expect(config.popularity).toContain('#100:140');
    expect(sum((await openPopularity(trace === NAME ? `${findProfile('traces', NAME)}#100:140` : slice)).counts)).toBe(40 * CHOICES);
  });

  it('are learned from and judged on', async () => {
    const { training, judged, close } = await openPrediction({ training: [slice], judged: [`${trace}#140:150`], holdOut: 0.2, seed: 1 });
    expect([training[0]!.tokens, judged[0]!.tokens]).toEqual([40, 10]);
    close();
  });

  it('are what trace commands work on, and advice is priced with', async () => {
    const { trace: opened } = await openNamed(slice, {});
    expect(opened.tokens).toBe(40);
    opened.close();
    const { notes } = await adviceFor(NAME, 'rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB', {
      trace: `${trace}#0:1000`,
      prompt: 200,
      context: 1024,
      quantizations: ['q4_k_m'],
    });
    expect(notes).toContain('Routing is recorded.');
  });
});
