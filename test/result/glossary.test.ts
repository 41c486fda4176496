// Law L21 in what people read: every speed that a report prints is one of the catalogue's figures of that run, and the catalogue says which
// published figure each of them is.
import { beforeAll, describe, expect, it } from 'vitest';
import { formatTokensPerSecond } from '../../src/base/units.js';
import { simulate } from '../../src/engine/simulate.js';
import { answerOf, htmlReport } from '../../src/report/html/html.js';
import { rankingReports } from '../../src/report/ranking/ranking.js';
import { jsonReport, markdownReport, tableReport } from '../../src/report/summary/run.js';
import { METRICS } from '../../src/result/catalogue.js';
import type { Result } from '../../src/result/result.js';
import type { Sweep } from '../../src/study/sweep/sweep.js';
import { sweepReports } from '../../src/study/sweep/sweep-report.js';

const plain = { color: false, width: 80, unicode: true, verbose: true };

describe('L21 the glossary of speeds', () => {
  let result: Result;
  let allowed: Set<string>;
  beforeAll(async () => {
    result = await simulate({
      ...{ model: 'mixtral-8x7b', hardware: 'rtx-3090', system: 'fiddler', trace: 'synthetic' },
      ...{ memory: { expertCache: '25%' }, workload: { tokens: 192, prompt: 64, output: 64 } },
    });
    allowed = new Set(
      Object.values(result.metrics).flatMap(({ unit, value }) => (unit === 'tokens/s' ? [formatTokensPerSecond(value)] : [])),
    );
  });

  /** Speeds in a text; script and data of a page are not read. */
  const speedsIn = (text: string): string[] =>
    [
      ...text
        .replace(/<script[\s\S]*?<\/script>/g, '')
        .replaceAll('\u00a0', ' ')
        // The range of a speed, in two digits.
        .replaceAll(/[\d,.]+ to [\d,.]+\s+tok\/s/g, '')
        .matchAll(/\d[\d,]*(?:\.\d+)? tok\/s/g),
    ].map(([speed]) => speed);

  it('has every speed that the reports of a run print', () => {
    for (const format of [tableReport, markdownReport, htmlReport]) {
      const found = speedsIn(format.render(result, plain));
      expect(found.length, format.name).toBeGreaterThan(3);
      expect(
        found.filter((speed) => !allowed.has(speed)),
        format.name,
      ).toEqual([]);
    }
    expect((JSON.parse(jsonReport.render(result, plain)) as Result).metrics['speed.decode']).toEqual(result.metrics['speed.decode']);
  });

  it('gives a run the same decode and prefill in a ranking and a sweep, and a page the same in its title and its sections', () => {
    const [decode, prefill] = ['speed.decode', 'speed.prefill'].map((name) => formatTokensPerSecond(result.metrics[name]!.value));
    const bare = (speed: string): string => speed.replace(' tok/s', '');
    const sweep: Sweep = {
      schema: 'moeprof.sweep/1',
      tool: result.tool,
      axes: [{ path: 'seed', values: [1] }],
      points: [{ values: [1], result }],
      saturation: [],
    };
    const texts = [rankingReports[0].render([result, result], plain), sweepReports[0].render({ sweep, metrics: [] }, plain)];
    for (const text of texts) {
      for (const speed of [decode!, prefill!]) expect(text.split(/\s+/)).toContain(bare(speed));
      expect(speedsIn(text).filter((speed) => !allowed.has(speed))).toEqual([]);
    }
    expect(answerOf(result).sentence).toContain(`Decodes at ${decode}`);
    expect(htmlReport.render(result, plain)).toContain(`<dt>decode</dt><dd>${decode}`);
  });

  it('says of each which published figure it is', () => {
    const speeds = [...METRICS.values()].filter(({ unit }) => unit === 'tokens/s');
    expect(speeds.length).toBeGreaterThan(4);
    for (const { meaning, name } of speeds) expect(meaning, name).toMatch(/\((tg|pp) of llama-bench|of vLLM bench serve|of DistServe/);
  });
});
