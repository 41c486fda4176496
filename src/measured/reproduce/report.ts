// The report of `moeprof reproduce`: published figures, own figures, the error, and whether the direction is the same.

import { formatCounted } from '../../base/units.js';
import { type Block, type Datum, type Document, documentFormats, formatMetric, grid, type Line, linesBlock } from '../../report/door.js';
import { METRICS } from '../../result/catalogue.js';
import { tagged } from '../../result/version.js';
import type { JudgedClaim } from './judge.js';
import type { Reproduced } from './reproduce.js';

/** Columns of a claim and of an order, on a terminal. */
const CLAIM = 28;
const ORDER = 15;

/** Formats of reproduced papers, the one for reading first. */
export const reproductionReports = documentFormats<readonly Reproduced[]>(documentOf, (papers) => ({
  ...tagged('moeprof.reproduction/1'),
  papers,
}));

function documentOf(papers: readonly Reproduced[]): Document {
  const claims = papers.flatMap((paper) => paper.claims);
  const directions = claims.filter(({ met }) => met !== null);
  const met = directions.filter((claim) => claim.met).length;
  const many = formatCounted(papers.length, 'paper');
  return {
    title: `${many}, ${formatCounted(claims.length, 'claim')}: ${met} of ${directions.length} directions met`,
    blocks: papers.flatMap(blocksOf),
    records: grid(
      papers.flatMap(({ claims: own, name }) => own.map((claim) => ({ name, claim }))),
      [
        { head: 'paper', of: ({ name }) => name },
        { head: 'claim', of: ({ claim }) => claim.says },
        { head: 'kind', of: ({ claim }) => claim.kind },
        { head: 'metric', of: ({ claim }) => claim.metric },
        { head: 'published', of: ({ claim }) => claim.published ?? claim.runs.join(' > ') },
        { head: 'moeprof', of: ({ claim }) => claim.moeprof ?? (claim.comesOut ?? []).join(' > ') },
        { head: 'error', of: ({ claim }) => claim.error },
        { head: 'met', of: ({ claim }) => (claim.met === null ? null : Number(claim.met)) },
        { head: 'why', of: ({ claim }) => claim.why },
      ],
    ),
  };
}

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
      { head: 'published', of: publishedOf, wrap: ORDER },
      { head: 'moeprof', of: moeprofOf, wrap: ORDER },
      { head: 'error', of: errorOf },
      { head: 'met', of: ({ met }) => (met === null ? '–' : met ? 'yes' : 'no'), align: 'left' },
    ]),
    linesBlock(claims.filter(({ met }) => met === false).map(reasonOf)),
  ];
}

function reasonOf({ says, why }: JudgedClaim): Line {
  return { text: `${says}: ${why ?? 'not met, and nothing is known of why'}`, tone: 'item' };
}

function publishedOf({ kind, metric, published, runs }: JudgedClaim): Datum {
  return published === null ? orderText(runs) : textOf(kind, metric, published);
}

function moeprofOf({ comesOut, kind, metric, moeprof }: JudgedClaim): Datum {
  return moeprof === null ? orderText(comesOut!) : textOf(kind, metric, moeprof);
}

/** Runs from the best to the worst, without the words that all of them begin with. */
function orderText(runs: readonly string[]): string {
  const words = runs.map((run) => run.split(' '));
  const fewest = Math.min(...words.map(({ length }) => length)) - 1;
  let common = 0;
  while (common < fewest && words.every((own) => own[common] === words[0]![common])) common++;
  return words.map((own) => own.slice(common).join(' ')).join(' > ');
}

function textOf(kind: JudgedClaim['kind'], metric: string, value: number): Datum {
  const text = kind === 'ratio' ? `${value.toFixed(2)}x` : formatMetric({ value, unit: METRICS.get(metric)!.unit });
  return { value, text };
}

function errorOf({ comesOut, error }: JudgedClaim): Datum {
  if (comesOut === null) return { value: error, text: `${error < 0 ? '' : '+'}${Math.round(100 * error)} %` };
  const pairs = (comesOut.length * (comesOut.length - 1)) / 2;
  return { value: error, text: `${Math.round(error * pairs)} of ${pairs}` };
}
