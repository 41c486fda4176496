// The parts of the report on one run, in the order of asking. Each takes the result and draws itself, or nothing where the run has no
// such figures.
import { formatBytes, formatCount, formatNs, formatNumber, formatRatio } from '../../base/units.js';
import { compareMetricNames, METRICS } from '../../result/catalogue.js';
import type { Details, Series } from '../../result/details.js';
import { tokensRun } from '../../result/ran.js';
import type { Result } from '../../result/result.js';
import { formatMetric } from '../format.js';
import { layerGrid, summarizeResult } from '../summary.js';
import { columns, curves, heatmap, legend, percent, plot, roundTicks, SHARE_TICKS, section, shareBar, type Tick, table } from './chart.js';
import { html, type Markup, type Piece } from './markup.js';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Where a token's time goes. */
export function timeSection(result: Result): Piece {
  const { time, bounds } = summarizeResult(result);
  if (time === null) return null;
  const tokens = tokensRun(result);
  const colors = { dense: 'dense', experts: 'experts', stall: 'stall', 'all-to-all': 'late', idle: 'idle' } as const;
  const words = {
    dense: 'attention and dense layers',
    experts: 'experts',
    stall: 'waiting for experts',
    'all-to-all': 'activations between GPUs',
    idle: 'no request',
  } as const;
  const parts = time.parts.filter(({ ns }) => ns > 0).map((part) => ({ ...part, color: colors[part.label], word: words[part.label] }));
  const said = parts.map(({ word, share }) => `${word} ${formatRatio(share)}`).join(', ');
  return section(
    'time',
    'Where a token’s time goes',
    html`${formatNs(time.totalNs / Math.max(1, tokens))} for each of ${formatCount(tokens)} tokens, ${formatNs(time.totalNs)} in all. ${time.cpu}`,
    shareBar(said, parts),
    html`<dl class="parts">${parts.map(
      ({ color, word, ns, share }) =>
        html`<div><dt><i style="background:var(--${color})"></i>${word}</dt><dd><b>${formatRatio(share)}</b> ${formatNs(ns / Math.max(1, tokens))} a token</dd></div>`,
    )}</dl>`,
    bounds.length > 0 &&
      html`<div class="bounds">${bounds.map(
        (row) =>
          html`<p><b>${row.label}</b> closes ${formatRatio(row.closed)} of the way from no cache (${row.worst}) to ${row.bound.toLowerCase() === 'belady' ? 'Belady' : row.bound} (${row.best}).</p>${shareBar(
            `${row.label} closes ${formatRatio(row.closed)} of the gap`,
            [
              { color: 'hit', share: row.closed },
              { color: 'idle', share: 1 - row.closed },
            ],
          )}`,
      )}</div>`,
  );
}

/** Marks at round layer numbers, in the middle of their columns. */
function layerTicks(count: number): Tick[] {
  const step = Math.max(1, [1, 2, 4, 5, 8, 10, 16, 20, 40].find((size) => count / size <= 8) ?? Math.ceil(count / 8));
  return Array.from({ length: Math.ceil(count / step) }, (_, k) => ({ at: (k * step + 0.5) / count, label: String(k * step) }));
}

/** Hit, late and miss by layer. */
export function layerSection(result: Result): Piece {
  const { demanded, hits, late, misses } = result.perLayer;
  const count = demanded.length;
  if (count === 0) return null;
  const rate = (part: readonly number[]): number[] => part.map((value, layer) => (demanded[layer]! > 0 ? value / demanded[layer]! : 0));
  const rates = rate(hits);
  const worst = rates.indexOf(Math.min(...rates));
  const best = rates.indexOf(Math.max(...rates));
  const said = `Hit rate by layer, from ${formatRatio(rates[worst]!)} at layer ${worst} to ${formatRatio(rates[best]!)} at layer ${best}`;
  const grid = layerGrid(result);
  const anyLate = sum(late) > 0;
  return section(
    'layers',
    'Hit rate by layer',
    `${said}.`,
    legend([['hit', 'hit'], ...(anyLate ? ([['late', 'late: prefetched, not yet there']] as const) : []), ['miss', 'miss']]),
    plot(
      { label: said, height: 220, x: layerTicks(count), y: SHARE_TICKS, xTitle: 'MoE layer' },
      columns([rates, rate(late), rate(misses)], ['hit', 'late', 'miss']),
    ),
    html`<details><summary>Figures by layer</summary>${table('Counters by MoE layer', grid.head, grid.rows, [])}</details>`,
  );
}

/** Loads by layer and expert. */
export function loadsSection({ loads }: Details): Piece {
  const flat = loads.flat();
  const most = Math.max(0, ...flat.slice(0, 100_000));
  const total = sum(flat);
  if (total === 0) return section('loads', 'Loads by layer and expert', 'No expert was brought to the GPU.');
  const sorted = [...flat].sort((a, b) => b - a);
  const top = Math.max(1, Math.ceil(flat.length / 10));
  const said = `The tenth of the experts that is loaded most takes ${formatRatio(sum(sorted.slice(0, top)) / total, 0)} of ${formatCount(total)} loads; the most loaded one, ${formatCount(most)}`;
  const experts = Math.max(...loads.map((row) => row.length));
  return section(
    'loads',
    'Loads by layer and expert',
    `${said}.`,
    html`<div class="scale" aria-hidden="true"><span>0</span><i></i><span>${formatCount(most)} loads</span></div>`,
    plot(
      {
        label: said,
        height: Math.min(480, Math.max(160, loads.length * 7)),
        x: roundTicks(experts, 8, (value) => String(Math.round(value))).filter(({ at }) => at < 1),
        y: layerTicks(loads.length).map(({ at, label }) => ({ at: 1 - at, label })),
        xTitle: 'expert, by layer from the top',
      },
      null,
      html`${heatmap(loads, most)}<output class="tip" hidden></output>`,
    ),
  );
}

/** Hit rate against capacity. */
export function capacitySection(result: Result, { capacity }: Details): Piece {
  if (capacity === null) return null;
  const whole = capacity.bytes.at(-1)!;
  const line = (rates: readonly number[]): [number, number][] => [
    [0, 0],
    ...capacity.bytes.map((bytes, k): [number, number] => [bytes / whole, rates[k]!]),
  ];
  const own = result.metrics['cache.hit_rate']?.value ?? 0;
  const at = Math.min(1, result.bounds.capacityBytes / whole);
  const said = `This run hits ${formatRatio(own)} with ${formatBytes(result.bounds.capacityBytes)}, ${formatRatio(at, 0)} of all experts`;
  return section(
    'capacity',
    'Hit rate against capacity',
    `${said}. Both curves replay the same demand from an empty cache, without prefetching, which may put a run above them.`,
    legend([
      ['accent', 'this run'],
      ['dense', 'Belady: no policy hits more'],
      ['idle-line', 'LRU'],
    ]),
    plot(
      {
        label: said,
        height: 260,
        x: [0.25, 0.5, 0.75, 1].map((share) => ({ at: share, label: formatBytes(share * whole) })),
        y: SHARE_TICKS,
        xTitle: 'capacity of the expert cache',
      },
      curves([
        { color: 'idle-line', points: line(capacity.lru) },
        { color: 'dense', points: line(capacity.belady) },
      ]),
      html`<b class="dot" style="left:${percent(at)};bottom:${percent(own)}"></b>`,
    ),
  );
}

/** A column per bin, merged so that at most `most` are left. */
function thinned(values: readonly number[], most: number): number[] {
  const step = Math.ceil(values.length / most);
  return Array.from({ length: Math.ceil(values.length / step) }, (_, k) => {
    const part = values.slice(k * step, (k + 1) * step);
    return sum(part) / part.length;
  });
}

/** Occupancy of links and stall over time. */
export function seriesSection({ series }: Details): Piece {
  const { binNs, hits, late, misses, stallNs, links } = series;
  const spanNs = binNs * hits.length;
  const x = roundTicks(spanNs, 6, formatNs);
  const share = (values: readonly number[], lanes: number): number[] =>
    thinned(
      values.map((ns) => Math.min(1, ns / binNs / lanes)),
      200,
    );
  const rate = hits.map((value, bin) => value / Math.max(1, value + late[bin]! + misses[bin]!));
  const pictures = links
    .filter(({ demandNs, prefetchNs }) => sum(demandNs) + sum(prefetchNs) > 0)
    .map(({ name, lanes, demandNs, prefetchNs }, index) => {
      const busy = (sum(demandNs) + sum(prefetchNs)) / (spanNs * lanes);
      const label = `The link ${name} is busy during ${formatRatio(busy)} of the run, ${formatRatio(sum(prefetchNs) / (spanNs * lanes))} with prefetches`;
      return html`<h3>${label}</h3>${plot(
        { label, height: 150, x, y: SHARE_TICKS, xTitle: 'simulated time', live: `link${index}` },
        columns([share(demandNs, lanes), share(prefetchNs, lanes)], ['miss', 'late'], 0),
      )}`;
    });
  const hitLabel = 'Hit rate over time, and the share of time in which the GPU waits';
  const line = (values: readonly number[]): [number, number][] => values.map((value, k) => [(k + 0.5) / values.length, value]);
  return section(
    'links',
    'Over time',
    'How busy the links are, and with what.',
    pictures.length > 0 &&
      legend([
        ['miss', 'on demand: the GPU waits for it'],
        ['late', 'prefetch'],
      ]),
    pictures,
    html`<h3>${hitLabel}</h3>`,
    legend([
      ['hit', 'hit rate'],
      ['stall', 'waiting'],
    ]),
    plot(
      { label: hitLabel, height: 150, x, y: SHARE_TICKS, xTitle: 'simulated time', live: 'rates' },
      curves([
        {
          color: 'stall',
          points: line(
            thinned(
              stallNs.map((ns) => Math.min(1, ns / binNs)),
              200,
            ),
          ),
        },
        { color: 'hit', points: line(thinned(rate, 200)) },
      ]),
    ),
  );
}

/** Series for the interactive charts: by the name of their place, x in seconds. */
export function liveData({ series }: Details): Record<string, { labels: string[]; colors: string[]; data: number[][] }> {
  const { binNs, hits, late, misses, stallNs, links }: Series = series;
  const x = hits.map((_, bin) => ((bin + 0.5) * binNs) / 1e9);
  const short = (value: number): number => Math.round(value * 1e4) / 100;
  const busy = links.filter(({ demandNs, prefetchNs }) => sum(demandNs) + sum(prefetchNs) > 0);
  const live: Record<string, { labels: string[]; colors: string[]; data: number[][] }> = {
    rates: {
      labels: ['hit rate', 'waiting'],
      colors: ['hit', 'stall'],
      data: [
        x,
        hits.map((value, bin) => short(value / Math.max(1, value + late[bin]! + misses[bin]!))),
        stallNs.map((ns) => short(Math.min(1, ns / binNs))),
      ],
    },
  };
  for (const [index, { lanes, demandNs, prefetchNs }] of busy.entries()) {
    const share = (ns: number): number => short(Math.min(1, ns / binNs / lanes));
    live[`link${index}`] = {
      labels: ['on demand', 'prefetch'],
      colors: ['miss', 'late'],
      data: [x, demandNs.map(share), prefetchNs.map(share)],
    };
  }
  return live;
}

const LATENCIES = [
  ['ttft', 'Time to first token'],
  ['tpot', 'Time per output token'],
  ['itl', 'Between two tokens'],
  ['pass', 'One pass'],
] as const;

/** Distributions of latencies. */
export function latencySection(result: Result): Piece {
  const { latency } = summarizeResult(result);
  if (latency === null) return null;
  const pictures = LATENCIES.map(([name, title]) => {
    const percentiles = result.details?.latency[name];
    if (percentiles === undefined || percentiles[100]! <= percentiles[0]!) return null;
    const most = percentiles[100]!;
    const label = `${title}: half within ${formatNs(percentiles[50]!)}, 95 % within ${formatNs(percentiles[95]!)}, all within ${formatNs(most)}`;
    const points = percentiles.map((ns, k): [number, number] => [ns / most, k / 100]);
    return html`<figure><figcaption>${title}</figcaption>${plot(
      { label, height: 150, x: roundTicks(most, 3, formatNs), y: SHARE_TICKS, xTitle: 'share that is no slower' },
      curves([{ color: 'accent', points }]),
    )}</figure>`;
  });
  return section('latency', 'Latency', null, table('Latency', latency.head, latency.rows), html`<div class="multiples">${pictures}</div>`);
}

/** What became of prefetches. */
export function prefetchSection(result: Result): Piece {
  const value = (name: string): number => result.metrics[name]?.value ?? 0;
  const fates = [
    ['hit', 'useful: there in time', value('prefetch.useful')],
    ['late', 'late: under way when asked for', value('prefetch.late')],
    ['miss', 'wasted: left without being asked for', value('prefetch.wasted')],
    ['idle', 'still there at the end', value('prefetch.pending')],
  ] as const;
  const total = fates.reduce((all, [, , count]) => all + count, 0);
  if (total === 0) return null;
  const said = fates.map(([, word, count]) => `${formatCount(count)} ${word}`).join(', ');
  const facts = ['prefetch.precision', 'prefetch.recall', 'prefetch.wasted_bytes', 'prefetch.stall_avoided', 'predict.recall_at_k']
    .filter((name) => result.metrics[name] !== undefined)
    .map(
      (name) =>
        html`<div><dt title="${METRICS.get(name)?.meaning ?? ''}">${name}</dt><dd><b>${formatMetric(result.metrics[name]!)}</b></dd></div>`,
    );
  return section(
    'prefetch',
    'Prefetches',
    `${formatCount(value('transfer.prefetch.count'))} transfers were started ahead of demand.`,
    shareBar(
      said,
      fates.map(([color, , count]) => ({ color, share: count / total })),
    ),
    legend(fates.map(([color, word, count]) => [color, `${word}, ${formatCount(count)}`])),
    html`<dl class="parts">${facts}</dl>`,
  );
}

/** Layers and experts that cost most. */
export function offendersSection(result: Result): Piece {
  const { stallNs, misses, onDemandBytes } = result.perLayer;
  const total = sum(stallNs);
  const layers = stallNs
    .map((ns, layer) => ({ layer, ns }))
    .filter(({ ns }) => ns > 0)
    .sort((a, b) => b.ns - a.ns || a.layer - b.layer)
    .slice(0, 8);
  const experts = (result.details?.loads ?? [])
    .flatMap((row, layer) => row.map((loads, expert) => ({ layer, expert, loads })))
    .filter(({ loads }) => loads > 1)
    .sort((a, b) => b.loads - a.loads || a.layer - b.layer || a.expert - b.expert)
    .slice(0, 8);
  if (layers.length + experts.length === 0) return null;
  const bar = (share: number): Markup => html`<span class="mini" style="--w:${percent(share)}"></span>`;
  return section(
    'offenders',
    'Top offenders',
    'What to look at first.',
    html`<div class="multiples">${
      layers.length > 0 &&
      table(
        'Layers that the GPU waits at longest',
        ['layer', '', 'waiting', 'share', 'misses', 'on demand'],
        layers.map(({ layer, ns }) => [
          String(layer),
          bar(ns / layers[0]!.ns),
          formatNs(ns),
          formatRatio(ns / total),
          formatCount(misses[layer]!),
          formatBytes(onDemandBytes[layer]!),
        ]),
      )
    }${
      experts.length > 0 &&
      table(
        'Experts that are loaded most often',
        ['layer / expert', '', 'loads'],
        experts.map(({ layer, expert, loads }) => [`${layer} / ${expert}`, bar(loads / experts[0]!.loads), formatCount(loads)]),
      )
    }</div>`,
  );
}

/** What the reader must know. */
export function warningsSection(result: Result): Piece {
  const { warnings } = summarizeResult(result);
  if (warnings.length === 0) return null;
  return section(
    'warnings',
    'Warnings',
    null,
    html`<ul class="warnings">${warnings.map(({ code, message }) => html`<li><b>${code}</b> ${message}</li>`)}</ul>`,
  );
}

/** Every metric, the configuration, where everything came from. */
export function provenanceSection(result: Result): Markup {
  const names = Object.keys(result.metrics).sort(compareMetricNames);
  const metrics = names.map((name) => [name, formatMetric(result.metrics[name]!), METRICS.get(name)?.meaning ?? '']);
  const { model, quantization, hardware, system, traces } = result.inputs;
  const facts: [string, string][] = [
    ['moeprof', result.tool.version],
    ['model', `${model} ${quantization}`],
    ['hardware', hardware],
    ['system', system],
    ...traces.map(({ path, sha256, tokens }): [string, string] => ['trace', `${path} (${formatNumber(tokens)} tokens, SHA-256 ${sha256})`]),
    ['seed', String(result.seed)],
    ['fingerprint', result.fingerprint],
    ...Object.entries(result.environment).map(([name, value]): [string, string] => [name, String(value)]),
  ];
  return section(
    'provenance',
    'All figures, configuration, provenance',
    null,
    html`<details><summary>${metrics.length} metrics</summary>${table('Metrics', ['metric', 'value', 'meaning'], metrics, [0, 2])}</details>
<details><summary>Configuration</summary><pre tabindex="0">${JSON.stringify(result.config, null, 2)}</pre></details>
<details open><summary>Provenance</summary>${table('Provenance', ['what', 'which'], facts, [0, 1])}</details>`,
  );
}
