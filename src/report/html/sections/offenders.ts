// Layers and experts that cost most: where to look first.
import { sum } from '../../../base/statistics.js';
import { formatBytes, formatCount, formatNs, formatRatio } from '../../../base/units.js';
import type { Details } from '../../../result/details.js';
import type { PerLayer, Result } from '../../../result/result.js';
import { html, type Piece } from '../markup.js';
import { miniBar, type Section, table } from '../pieces.js';

/** Rows of a table. */
const MOST = 8;

/** An expert and what it costs. */
interface Offender {
  readonly layer: number;
  readonly expert: number;
  readonly cost: number;
}

/** The `MOST` experts that cost most; none of those that cost no more than `least`. */
function worst(byExpert: readonly (readonly number[])[], least: number): Offender[] {
  return byExpert
    .flatMap((row, layer) => row.map((cost, expert) => ({ layer, expert, cost })))
    .filter(({ cost }) => cost > least)
    .sort((a, b) => b.cost - a.cost || a.layer - b.layer || a.expert - b.expert)
    .slice(0, MOST);
}

function layerTable({ stallNs, misses, onDemandBytes }: PerLayer): Piece {
  const total = sum(stallNs);
  const layers = stallNs
    .map((ns, layer) => ({ layer, ns }))
    .filter(({ ns }) => ns > 0)
    .sort((a, b) => b.ns - a.ns || a.layer - b.layer)
    .slice(0, MOST);
  return (
    layers.length > 0 &&
    table(
      'Layers at which the GPU waits longest',
      ['layer', '', 'waiting', 'share', 'misses', 'on demand'],
      layers.map(({ layer, ns }) => [
        String(layer),
        miniBar(ns / layers[0]!.ns),
        formatNs(ns),
        formatRatio(ns / total),
        formatCount(misses[layer]!),
        formatBytes(onDemandBytes[layer]!),
      ]),
    )
  );
}

/** Experts by the time that the GPU waits for them; by loads, where a result does not say. */
function expertTable({ loads, causes }: Details): Piece {
  if (causes === undefined) {
    const experts = worst(loads, 1);
    return (
      experts.length > 0 &&
      table(
        'Experts that are loaded most often',
        ['layer, expert', '', 'loads'],
        experts.map(({ layer, expert, cost }) => [`${layer}, ${expert}`, miniBar(cost / experts[0]!.cost), formatCount(cost)]),
      )
    );
  }
  const waiting = loads.map((row, layer) => row.map((_, expert) => sum(causes.stallNs.map(({ byExpert }) => byExpert[layer]![expert]!))));
  const experts = worst(waiting, 0);
  const reason = ({ layer, expert }: Offender): string => {
    const [first] = [...causes.stallNs].sort((a, b) => b.byExpert[layer]![expert]! - a.byExpert[layer]![expert]!);
    return `${first!.cause}, ${first!.tier}`;
  };
  return (
    experts.length > 0 &&
    table(
      'Experts that the GPU waits for longest',
      ['layer, expert', '', 'waiting', 'loads', 'mostly'],
      experts.map((one) => [
        `${one.layer}, ${one.expert}`,
        miniBar(one.cost / experts[0]!.cost),
        formatNs(one.cost),
        formatCount(loads[one.layer]![one.expert]!),
        reason(one),
      ]),
      [0, 4],
    )
  );
}

/** Top offenders. */
export const offendersSection: Section<Result> = {
  id: 'offenders',
  title: 'Top offenders',
  draw({ perLayer, details }) {
    const layers = layerTable(perLayer);
    const experts = details !== undefined && expertTable(details);
    if (layers === false && experts === false) return null;
    return { about: 'What to look at first.', content: html`<div class="multiples">${layers}${experts}</div>` };
  },
};
