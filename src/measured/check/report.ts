import { groupedBy } from '../../base/objects.js';
import { visible } from '../../base/text.js';
import { formatCounted, formatRatio } from '../../base/units.js';
import { axisOf, barsOf, drawnFormats, type PaperFigure, type RunPoint } from '../../figure/door.js';
import type { Datum, Document, Grid, Line, Lines } from '../../report/door.js';
import { bareRange, gridOf, linesBlock, note, ratio } from '../../report/door.js';
import { tagged } from '../../result/version.js';
import { speedText } from '../validate/words.js';
import type { CheckedRun } from './check.js';
import { mistaken } from './rules/mistaken.js';

/** A checked log. */
export interface CheckedLog {
  readonly machine: string;
  readonly runs: readonly CheckedRun[];
  /** Basis of the runtime's calibration on the machine; null: not calibrated. */
  readonly calibration: string | null;
  /** Sentences on assumed parts of the machine. */
  readonly assumed: readonly string[];
}

/** Report of a checked log. */
export const checkReports = drawnFormats<CheckedLog>('moeprof check', documentOf, checkFigures, (value) => ({
  ...tagged('moeprof.check/1'),
  ...value,
}));

/** Speeds and bands in percent of the expected speed. */
function checkFigures({ runs }: CheckedLog): PaperFigure[] {
  const points = runs.flatMap(({ place, speeds: checked }) =>
    checked.flatMap(({ band, expected, measured, metric }): RunPoint[] => [
      { x: visible(`${place} ${metric}`), y: (100 * measured) / expected, series: 'reached' },
      { x: visible(`${place} ${metric}`), y: 100, low: 100 * (band?.low ?? 1), high: 100 * (band?.high ?? 1), series: 'expected' },
    ]),
  );
  return barsOf('run', axisOf('speed against what is expected', '%'), ['reached', 'expected'], points);
}

function documentOf({ assumed, calibration, machine, runs }: CheckedLog): Document {
  const slow = runs.filter(({ verdict }) => verdict === 'slow').length;
  const fast = runs.filter(({ verdict }) => verdict === 'fast').length;
  const unknown = runs.filter(({ verdict }) => verdict === 'unknown').length;
  const count = `${formatCounted(runs.length, 'run')} on ${machine}`;
  const judged = runs.length - unknown;
  const verdict =
    judged === 0
      ? runs.some(({ speeds: known }) => known.length > 0)
        ? 'nothing comparable was measured'
        : 'none could be predicted'
      : slow === 0 && fast === 0
        ? 'as fast as comparable runs'
        : [partOf(slow, judged, 'slower'), partOf(fast, judged, 'faster')].filter((text) => text !== null).join(', ');
  return {
    title: `${count}: ${verdict}`,
    lead: calibration === null ? [] : [{ text: calibration.replace(/\.$/, '') }],
    blocks: [speeds(runs), assumptions(assumed, slow + fast > 0), supposed(runs), uncounted(runs), ...causes(runs), unpredicted(runs)],
  };
}

const partOf = (count: number, judged: number, how: string): string | null =>
  count === 0 ? null : `${count === judged ? '' : `${count} of ${judged} `}${how} than comparable runs`;

function speeds(runs: readonly CheckedRun[]): Grid {
  const text = (value: number): Datum => ({ value, text: speedText({ metric: 'decode' }, value) });
  return gridOf(
    [
      { head: 'where', most: 30 },
      { head: 'speed', align: 'left' },
      { head: 'reached', name: 'reached_tps' },
      { head: 'expected', name: 'expected_tps' },
      'ratio',
      { head: 'range', name: 'range_tps' },
      { head: '', name: 'slow', align: 'left' },
    ],
    runs.flatMap(({ place, speeds: checked }) =>
      checked.map(({ band, expected, measured, metric, ratio: share, slow }): Datum[] => [
        ...[place, metric, text(measured), text(expected), ratio(share)],
        bareRange(band, expected),
        { value: slow ? 1 : 0, text: slow ? 'slow' : band !== null && share > band.high ? 'fast' : '' },
      ]),
    ),
  );
}

function causes(runs: readonly CheckedRun[]): Lines[] {
  const found = runs.flatMap((run) => shownFindings(run).map((finding) => ({ run, finding })));
  const blocks = [...groupedBy(found, ({ finding }) => finding.cause).values()].map((alike): Lines => {
    const { finding } = alike[0]!;
    const alarm = alike.some(({ run }) => run.verdict === 'slow' || run.verdict === 'fast');
    const where = alike.length === 1 ? alike[0]!.run.place : `${alike[0]!.run.place} and ${alike.length - 1} more`;
    return linesBlock([
      { tone: alarm ? 'warning' : 'info', label: finding.title, text: `${finding.evidence} (${where})` },
      { text: finding.advice },
    ]);
  });
  return [...blocks, ...(['slow', 'fast'] as const).flatMap((verdict) => unexplained(runs, verdict))];
}

/** The likeliest causes, after the question for a mistake. */
function shownFindings({ findings, verdict }: CheckedRun): CheckedRun['findings'] {
  const isAsked = ({ cause }: CheckedRun['findings'][number]): boolean => cause === mistaken.name;
  const causes = findings.filter((finding) => !isAsked(finding));
  return [...findings.filter(isAsked), ...causes.slice(0, verdict === 'slow' ? 2 : 1)];
}

function unexplained(all: readonly CheckedRun[], wanted: 'slow' | 'fast'): Lines[] {
  const runs = all.filter(({ findings, verdict }) => verdict === wanted && findings.length === 0);
  if (runs.length === 0) return [];
  const ratios = runs.flatMap((run) => run.speeds.map((speed) => speed.ratio));
  const worst = wanted === 'slow' ? `down to ${formatRatio(Math.min(...ratios), 0)}` : `up to ${formatRatio(Math.max(...ratios), 0)}`;
  const which = runs.length === 1 ? runs[0]!.place : `${runs.length} runs`;
  const text = `${which}: ${worst} of what was expected, and nothing in the log or the machine tells why. Is the machine described rightly (moeprof machine detect)? What does its memory reach (moeprof machine calibrate)?`;
  return [note(text, 'caution')];
}

function assumptions(assumed: readonly string[], slow: boolean): Lines {
  const text = `${assumed.join(' ')} If yours differ, name them with -w.`;
  return linesBlock(assumed.length === 0 ? [] : [{ tone: slow ? 'warning' : 'info', text }]);
}

function uncounted(runs: readonly CheckedRun[]): Lines {
  const settings = [...new Set(runs.flatMap((run) => run.uncounted))];
  const places = runs.filter((run) => run.uncounted.length > 0).map(({ place }) => place);
  const which = places.length === 1 ? places[0]! : formatCounted(places.length, 'run');
  const text = `${which}: not understood, and not counted in what is expected: ${settings.slice(0, SHOWN).join(', ')}.`;
  return linesBlock(settings.length === 0 ? [] : [{ tone: 'caution', text }]);
}

/** Most settings that are shown; ours. */
const SHOWN = 8;

function unpredicted(runs: readonly CheckedRun[]): Lines {
  return linesBlock(runs.flatMap(({ lacks, place }): Line[] => (lacks === null ? [] : [{ tone: 'info', text: `${place}: ${lacks}.` }])));
}

function supposed(runs: readonly CheckedRun[]): Lines {
  const tone = runs.some(({ verdict }) => verdict === 'slow') ? 'warning' : 'info';
  const unplaced = groupedBy(
    runs.filter((run) => run.unplaced && run.lacks === null),
    (run) => run.takenLayers,
  );
  return linesBlock(
    [...unplaced].map(([layers, those]): Line => {
      const which = those.length === 1 ? those[0]!.place : formatCounted(those.length, 'run');
      const taken =
        layers === 0 ? 'all are taken to be on the GPU' : `those of ${layers} layers are taken to be in host memory, the fewest that fit`;
      const text = `${which}: nothing says where the experts lie; ${taken}. A command line in the log tells it ($ llama-server -m ... -ncmoe 24).`;
      return { tone, text };
    }),
  );
}
