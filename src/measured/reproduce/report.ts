import { percentile } from '../../base/statistics.js';
import { visible } from '../../base/text.js';
import { formatCounted, formatRatio } from '../../base/units.js';
import { axisOf, barsOf, drawnFormats, type PaperFigure, type RunPoint } from '../../figure/door.js';
import { type Block, type Datum, type Document, formatMetric, grid, type Line, linesBlock } from '../../report/door.js';
import { METRICS } from '../../result/catalogue.js';
import { tagged } from '../../result/version.js';
import { GAIN_PARTS } from './gain.js';
import type { JudgedClaim } from './judge.js';
import type { Reproduced } from './reproduce.js';
import { type ClaimVerdict, VERDICTS, WITHIN } from './verdict.js';

/** Terminal columns of a claim and of an order; ours. */
const CLAIM = 28;
const ORDER = 15;

const FACTORS = [...GAIN_PARTS, 'engine'] as const;

interface Row {
  readonly name: string;
  readonly claim: JudgedClaim;
}

/** Report of `moeprof reproduce`. */
export const reproductionReports = drawnFormats<readonly Reproduced[]>('moeprof reproduce', documentOf, gainFigures, (papers) => ({
  ...tagged('moeprof.reproduction/2'),
  papers,
}));

function gainFigures(papers: readonly Reproduced[]): PaperFigure[] {
  const points = papers.flatMap(({ claims, name }) =>
    claims.flatMap(({ kind, moeprof, published }, at): RunPoint[] =>
      kind !== 'ratio' || published === null || moeprof === null
        ? []
        : [published, moeprof].map((y, ours) => ({ x: visible(`${name} ${at + 1}`), y, series: ['published', 'moeprof'][ours]! })),
    ),
  );
  return barsOf('claim', axisOf('gain', 'x'), ['published', 'moeprof'], points);
}

function documentOf(papers: readonly Reproduced[]): Document {
  const claims = papers.flatMap((paper) => paper.claims);
  return {
    title: `${formatCounted(papers.length, 'paper')}, ${formatCounted(claims.length, 'claim')}: ${countsOf(claims)}`,
    lead: summaryOf(claims),
    // A page of several papers folds the claims.
    blocks: papers.flatMap((paper) => blocksOf(paper).map((block) => (papers.length === 1 ? block : { ...block, under: underOf(paper) }))),
    records: grid(
      papers.flatMap(({ claims: judged, name }) => judged.map((claim): Row => ({ name, claim }))),
      [
        { head: 'paper', of: ({ name }) => name },
        { head: 'claim', of: ({ claim }) => claim.says },
        { head: 'kind', of: ({ claim }) => claim.kind },
        { head: 'metric', of: ({ claim }) => claim.metric },
        { head: 'runtime', of: ({ claim }) => claim.runtime },
        { head: 'published', of: ({ claim }) => claim.published ?? claim.runs.join(' > ') },
        { head: 'moeprof', of: ({ claim }) => claim.moeprof ?? (claim.comesOut ?? []).join(' > ') },
        { head: 'error', of: ({ claim }) => claim.error },
        { head: 'share', of: ({ claim }) => claim.share },
        ...FACTORS.map((part) => ({ head: part, of: ({ claim }: Row) => claim.gain?.[part] ?? null })),
        { head: 'best', of: ({ claim }) => claim.best },
        { head: 'floor', of: ({ claim }) => claim.floor },
        { head: 'verdict', of: ({ claim }) => claim.verdict },
        { head: 'why', of: ({ claim }) => claim.why },
      ],
    ),
  };
}

function countsOf(claims: readonly JudgedClaim[]): string {
  return (Object.keys(VERDICTS) as ClaimVerdict[])
    .map((verdict) => [claims.filter((claim) => claim.verdict === verdict).length, VERDICTS[verdict]] as const)
    .flatMap(([count, words]) => (count === 0 ? [] : [`${count} ${words}`]))
    .join(', ');
}

const SHORT: ReadonlySet<ClaimVerdict> = new Set(['engine', 'impossible']);

/** Claims near the published figure, and the median share of gains without a limit. */
function summaryOf(claims: readonly JudgedClaim[]): Line[] {
  const numeric = claims.filter(({ kind }) => kind !== 'order');
  if (numeric.length === 0) return [];
  const within = (share: number): string => formatRatio(numeric.filter(({ error }) => Math.abs(error) <= share).length / numeric.length);
  const explained = numeric.filter(({ error, verdict, why }) => Math.abs(error) > WITHIN.near && (SHORT.has(verdict) || why !== null));
  const shares = numeric.flatMap(({ share, verdict }) => (share === null || SHORT.has(verdict) ? [] : [share])).sort((a, b) => a - b);
  const near = `of ${formatCounted(numeric.length, 'numeric claim')} ${within(WITHIN.figure)} within 15 %, ${within(WITHIN.near)} within 30 %`;
  const others = `; a bound or a reason with a number says why of ${formatRatio(explained.length / numeric.length)}`;
  const gains =
    shares.length === 0
      ? ''
      : `; of ${formatCounted(shares.length, 'gain')} that no limit stands against, ${formatRatio(percentile(shares, 50))} is shown (median)`;
  return [{ text: `${near}${others}${gains}` }];
}

const underOf = ({ claims, name, paper }: Reproduced): string =>
  `${name}: ${paper}; ${formatCounted(claims.length, 'claim')}: ${countsOf(claims)}`;

function blocksOf({ assumes, claims, name, paper, setting }: Reproduced): Block[] {
  const about: Line[] = [
    { text: `${name}: ${paper}`, tone: 'strong' },
    { text: setting },
    ...(assumes === null ? [] : [{ label: 'assumed', text: assumes }]),
  ];
  return [
    linesBlock(about),
    grid(claims, [
      { head: 'claim', of: ({ says, source }) => (source === null ? says : `${says} (${source})`), wrap: CLAIM },
      { head: 'published', of: (claim) => figureText(claim, claim.published, claim.runs), wrap: ORDER },
      { head: 'moeprof', of: (claim) => figureText(claim, claim.moeprof, claim.comesOut), wrap: ORDER },
      ...FACTORS.map((part) => ({
        head: part,
        of: ({ gain }: JudgedClaim) => factorOf(gain?.[part] ?? null),
        only: ['markdown'] as const,
      })),
      { head: 'best found', of: ({ best, kind, metric }) => (best === null ? '–' : textOf(kind, metric, best)) },
      { head: 'verdict', of: ({ verdict }) => VERDICTS[verdict], align: 'left' },
    ]),
    linesBlock(claims.flatMap(partsOf), { only: ['terminal'] }),
    linesBlock(claims.flatMap(limitOf)),
    linesBlock(claims.flatMap(({ says, why }): Line[] => (why === null ? [] : [{ text: `${says}: ${why}`, tone: 'item' }]))),
  ];
}

/** Sentence on a limit: the engine's best, or the machine's floor without software time. */
function limitOf({ best, floor, kind, metric, runtime, says, verdict }: JudgedClaim): Line[] {
  if (best === null || !SHORT.has(verdict)) return [];
  const found = phraseOf(kind, metric, best);
  if (verdict === 'impossible' && floor !== null)
    return [{ text: `${says}: cannot be on this machine, whose floor allows ${phraseOf(kind, metric, floor)}`, tone: 'item' }];
  const rest =
    floor === null
      ? 'nothing is proven of the machine itself'
      : `host time apart, the machine's floor allows ${phraseOf(kind, metric, floor)}`;
  return [{ text: `${says}: not by caching in ${runtime}, where ${found} is the best that we find; ${rest}`, tone: 'item' }];
}

function partsOf({ gain, says }: JudgedClaim): Line[] {
  if (gain === null) return [];
  const factor = (part: keyof typeof gain): string[] => (gain[part] === null ? [] : [`${part} ${gain[part].toFixed(2)}x`]);
  const engine = Math.abs(gain.engine - 1) < 0.005 ? [] : [`; engines apart, ${gain.engine.toFixed(2)}x`];
  const parts = GAIN_PARTS.flatMap(factor);
  const text = `${parts.length === 0 ? 'sides of different settings' : parts.join(', ')}${engine.join('')}`;
  return [{ text: `${says}: ${text}`, tone: 'item' }];
}

const factorOf = (factor: number | null): Datum => (factor === null ? '–' : { value: factor, text: `${factor.toFixed(2)}x` });

function figureText({ kind, metric }: JudgedClaim, figure: number | null, runs: readonly string[] | null): Datum {
  return figure === null ? orderText(runs!) : textOf(kind, metric, figure);
}

/** Drops common leading words. */
function orderText(runs: readonly string[]): string {
  const words = runs.map((run) => run.split(' '));
  const fewest = Math.min(...words.map(({ length }) => length)) - 1;
  let common = 0;
  while (common < fewest && words.every((list) => list[common] === words[0]![common])) common++;
  return words.map((list) => list.slice(common).join(' ')).join(' > ');
}

function phraseOf(kind: JudgedClaim['kind'], metric: string, value: number): string {
  return kind === 'ratio' ? `${value.toFixed(2)}x` : formatMetric({ value, unit: METRICS.get(metric)!.unit });
}

const textOf = (kind: JudgedClaim['kind'], metric: string, value: number): Datum => ({ value, text: phraseOf(kind, metric, value) });
