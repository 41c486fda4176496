import { sum } from '../../../base/statistics.js';
import { formatBytes, formatCount, formatNs, formatRatio } from '../../../base/units.js';
import type { Details } from '../../../result/details.js';
import type { PerLayer, Result } from '../../../result/result.js';
import { html, type Piece } from '../../page/markup.js';
import { miniBar, type Section, table } from '../../page/pieces.js';
import { deviceWords } from '../../words.js';

/** Most rows of a table; ours. */
const MOST = 8;

interface Offender {
  readonly layer: number;
  readonly expert: number;
  readonly cost: number;
}

function worst(byExpert: readonly (readonly number[])[], least: number): Offender[] {
  return byExpert
    .flatMap((row, layer) => row.map((cost, expert) => ({ layer, expert, cost })))
    .filter(({ cost }) => cost > least)
    .sort((a, b) => b.cost - a.cost || a.layer - b.layer || a.expert - b.expert)
    .slice(0, MOST);
}

function topTable<T extends { readonly cost: number }>(
  caption: string,
  [name, ...figures]: readonly [name: string, ...figures: string[]],
  top: readonly T[],
  cells: (one: T) => readonly [name: string, ...figures: string[]],
  text?: readonly number[],
): Piece {
  const rows = top.map((offender) => {
    const [first, ...others] = cells(offender);
    return [first, miniBar(offender.cost / top[0]!.cost), ...others];
  });
  return rows.length > 0 && table(caption, [name, '', ...figures], rows, text);
}

function layerTable({ stallNs, misses, onDemandBytes }: PerLayer, processor: string): Piece {
  const total = sum(stallNs);
  const layers = worst(
    stallNs.map((ns) => [ns]),
    0,
  );
  return topTable(
    `Layers at which the ${processor} waits longest`,
    ['layer', 'waiting', 'share', 'misses', 'on demand'],
    layers,
    ({ layer, cost }) => [
      String(layer),
      ...[formatNs(cost), formatRatio(cost / total), formatCount(misses[layer]!), formatBytes(onDemandBytes[layer]!)],
    ],
  );
}

function expertTable({ loads, causes }: Details, processor: string): Piece {
  if (causes === undefined) {
    return topTable('Experts that are loaded most often', ['layer, expert', 'loads'], worst(loads, 1), ({ layer, expert, cost }) => [
      `${layer}, ${expert}`,
      formatCount(cost),
    ]);
  }
  const waiting = loads.map((row, layer) => row.map((_, expert) => sum(causes.stallNs.map(({ byExpert }) => byExpert[layer]![expert]!))));
  const reason = ({ layer, expert }: Offender): string => {
    const [first] = [...causes.stallNs].sort((a, b) => b.byExpert[layer]![expert]! - a.byExpert[layer]![expert]!);
    return `${first!.cause}, ${first!.tier}`;
  };
  return topTable(
    `Experts that the ${processor} waits for longest`,
    ['layer, expert', 'waiting', 'loads', 'mostly'],
    worst(waiting, 0),
    (item) => [`${item.layer}, ${item.expert}`, formatNs(item.cost), formatCount(loads[item.layer]![item.expert]!), reason(item)],
    [0, 4],
  );
}

/** Most expensive layers and experts. */
export const offendersSection: Section<Result> = {
  id: 'offenders',
  title: 'Top offenders',
  draw({ perLayer, details, inputs }) {
    const { processor } = deviceWords({ inputs });
    const layers = layerTable(perLayer, processor);
    const experts = details !== undefined && expertTable(details, processor);
    if (layers === false && experts === false) return null;
    return { about: 'What to look at first.', content: html`<div class="multiples">${layers}${experts}</div>` };
  },
};
