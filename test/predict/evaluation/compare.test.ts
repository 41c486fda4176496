// Several predictors side by side: one that a trace does not suffice for stops nothing but itself.
import { describe, expect, it } from 'vitest';
import { judgedPredictors } from '../../../src/predict/evaluation/compare.js';

const TRACE = 'mini-mixtral-8x8l';
const judged = (...predictors: string[]) =>
  judgedPredictors({ predictors, training: [`${TRACE}#:200`], judged: [`${TRACE}#200:300`], every: 10 });

describe('predictors of one evaluation', () => {
  it('are judged but for those that the trace does not suffice for', async () => {
    // The bundled recording holds no predictions of another program.
    const { evaluations, times } = await judged('supplied', 'last-token');
    const [{ predictors, trace, unjudged }] = evaluations as [(typeof evaluations)[0]];
    expect(predictors.map(({ predictor }) => predictor)).toEqual(['last-token']);
    expect(unjudged).toEqual([{ predictor: 'supplied', reason: expect.stringMatching(/^predictor supplied: needs /) }]);
    // Neither the trace nor its times name the folder that moeprof is installed in.
    expect([trace.path, times[0]!.trace]).toEqual([`${TRACE}#200:300`, `${TRACE}#200:300`]);
  });

  it('are refused where none can be judged', async () => {
    await expect(judged('supplied')).rejects.toThrow(/^predictor supplied: needs /);
  });
});
