import { formatBytes, formatCount, formatNs, formatRatio } from '../base/units.js';
import { axisOf, drawnFormats, linesOver } from '../figure/door.js';
import { type Document, figure, gridOf, note } from '../report/door.js';
import type { AdaptiveBound, AdaptivePoint } from './adaptive-bound.js';

/** Report of `moeprof bound adaptive`. */
export const adaptiveReports = drawnFormats<AdaptiveBound>('moeprof bound adaptive', adaptiveDocument, ({ points }) => {
  const parts = { token: 'tokenNs', GPU: 'gpuNs', link: 'linkNs' } as const;
  const lines = Object.entries(parts).flatMap(([series, part]) =>
    points.map((point) => ({ x: 100 * point.budget, y: point[part] / 1e6, series })),
  );
  return linesOver(axisOf('gate weight that may be lost', '%'), axisOf('time of a token', 'ms'), Object.keys(parts), lines);
});

function adaptiveDocument({ assumed, by, cacheBytes, inputs, points, runNs, tokens }: AdaptiveBound): Document {
  const { hardware, model, quantization, system } = inputs;
  const best = ({ gpuNs, linkNs }: AdaptivePoint): string => (gpuNs >= linkNs ? 'GPU' : 'link');
  return {
    title: `${model} ${quantization} on ${hardware}, ${system}: how fast an oracle could route`,
    answer: `At no loss a token takes ${formatNs(points[0]!.tokenNs)} at least, ${formatRatio(points[0]!.tokenNs / runNs)} of what it takes here`,
    lead: [
      {
        text: `${formatCount(tokens)} tokens, prompts included, ${formatNs(runNs)} each in the run, with an expert cache of ${formatBytes(cacheBytes)}`,
      },
      {
        text: by === 'weights' ? 'weights are those of the trace' : 'the trace has no gate weights: rank r counts 1 / r',
      },
      ...assumed.map((text) => ({ text, tone: 'caution' as const })),
    ],
    blocks: [
      gridOf(
        [
          { head: 'weight lost', name: 'budget' },
          { head: 'GPU', name: 'gpu_ns' },
          { head: 'link', name: 'link_ns' },
          { head: 'token', name: 'token_ns' },
          { head: 'bound by', align: 'left' },
          { head: 'of the run', name: 'share_of_run' },
        ],
        points.map((point) => [
          { value: point.budget, text: formatRatio(point.budget) },
          figure(point.gpuNs, 'ns'),
          figure(point.linkNs, 'ns'),
          figure(point.tokenNs, 'ns'),
          best(point),
          figure(point.tokenNs / runNs, 'ratio'),
        ]),
      ),
      note('No router and no cache is faster at the same loss.', 'dim'),
    ],
  };
}
