// The report of a checked log: the speed of each run, the expected speed, and causes of a difference.

import { formatCounted, formatNumber, formatRatio } from '../../base/units.js';
import { type Block, type Column, type Datum, type Document, documentFormats, gridOf, type Line, ratio } from '../../report/door.js';
import { VERSION } from '../../result/version.js';
import { speedText } from '../validate/words.js';
import type { CheckedRun } from './check.js';
import type { CheckedSpeed } from './rules/case.js';

/** Version tag of the JSON. Additions keep it; a change of meaning raises it. */
const CHECK_SCHEMA = 'moeprof.check/1';

/** A checked log. */
export interface CheckedLog {
  readonly machine: string;
  readonly runs: readonly CheckedRun[];
  /** Basis of the runtime's calibration on the machine; null: it has none. */
  readonly calibration: string | null;
  /** Sentences: parts of the machine that were not given, and what was taken for each. */
  readonly assumed: readonly string[];
}

/** Formats of a check, the one for reading first. */
export const checkReports = documentFormats<CheckedLog>(documentOf, (value) => ({
  schema: CHECK_SCHEMA,
  tool: { name: 'moeprof', version: VERSION },
  ...value,
}));

function documentOf({ assumed, calibration, machine, runs }: CheckedLog): Document {
  const slow = runs.filter(({ verdict }) => verdict === 'slow').length;
  const unknown = runs.filter(({ verdict }) => verdict === 'unknown').length;
  const count = `${formatCounted(runs.length, 'run')} on ${machine}`;
  const judged = runs.length - unknown;
  const verdict =
    judged === 0
      ? 'none could be predicted'
      : slow === 0
        ? 'as fast as comparable runs'
        : slow === judged
          ? 'slower than comparable runs'
          : `${slow} of ${judged} slower than comparable runs`;
  return {
    title: `${count}: ${verdict}`,
    lead: calibration === null ? [] : [{ text: calibration.replace(/\.$/, '') }],
    blocks: [speeds(runs), ...assumptions(assumed, slow > 0), ...supposed(runs), ...faster(runs), ...causes(runs), ...unpredicted(runs)],
  };
}

function speeds(runs: readonly CheckedRun[]): Block {
  const where: Column = { head: 'where', most: 30 };
  const text = (value: number): Datum => ({ value, text: speedText({ metric: 'decode' }, value) });
  return gridOf(
    [
      where,
      { head: 'speed', align: 'left' },
      { head: 'reached', name: 'reached_tps' },
      { head: 'expected', name: 'expected_tps' },
      'ratio',
      { head: 'band', name: 'band' },
      { head: '', name: 'slow', align: 'left' },
    ],
    runs.flatMap((run) =>
      run.speeds.map((speed) => [
        run.place,
        speed.metric,
        text(speed.measured),
        text(speed.expected),
        ratio(speed.ratio),
        bandOfSpeed(speed),
        { value: speed.slow ? 1 : 0, text: speed.slow ? 'slow' : '' },
      ]),
    ),
  );
}

function bandOfSpeed({ band }: CheckedSpeed): Datum {
  return band === null ? null : { value: band.halfWidth, text: `± ${Math.round(100 * band.halfWidth)} %` };
}

/** Each cause once, with the runs that it was found in. */
function causes(runs: readonly CheckedRun[]): Block[] {
  const found = runs.flatMap((run) => run.findings.slice(0, run.verdict === 'slow' ? 2 : 1).map((finding) => ({ run, finding })));
  const names = [...new Set(found.map(({ finding }) => finding.cause))];
  const blocks = names.map((name): Block => {
    const own = found.filter(({ finding }) => finding.cause === name);
    const [{ finding }] = own as [(typeof own)[0]];
    const alarm = own.some(({ run }) => run.verdict === 'slow');
    const places = own.map(({ run }) => run.place);
    const where = places.length === 1 ? places[0]! : `${places[0]} and ${places.length - 1} more`;
    const lines: Line[] = [
      { tone: alarm ? 'warning' : 'info', label: finding.title, text: `${finding.evidence} (${where})` },
      { text: finding.advice },
    ];
    return { kind: 'lines', lines };
  });
  const unexplained = runs.filter(({ findings, verdict }) => verdict === 'slow' && findings.length === 0);
  if (unexplained.length > 0) blocks.push({ kind: 'lines', lines: unexplainedLines(unexplained) });
  return blocks;
}

/** Figures that are expected of a machine that was not given in full are those of a usual one. */
function assumptions(assumed: readonly string[], slow: boolean): Block[] {
  if (assumed.length === 0) return [];
  const text = `${assumed.join(' ')} If yours differ, name them with -w.`;
  return [{ kind: 'lines', lines: [{ tone: slow ? 'warning' : 'info', text }] }];
}

/** Ratio from which a run cannot be this machine's; ours, above what any band allows. */
const ELSEWHERE = 2;

/** Runs that are far faster than the machine can be: no verdict on them means anything. */
function faster(runs: readonly CheckedRun[]): Block[] {
  const lines = runs.flatMap(({ place, speeds }): Line[] => {
    const most = Math.max(0, ...speeds.map(({ ratio }) => ratio));
    const times = formatNumber(most, 1);
    return most < ELSEWHERE
      ? []
      : [
          {
            tone: 'caution',
            text: `${place}: ${times} times what this machine should reach. Was it printed on another one? Name that with -w.`,
          },
        ];
  });
  return lines.length === 0 ? [] : [{ kind: 'lines', lines }];
}

function unexplainedLines(runs: readonly CheckedRun[]): Line[] {
  const worst = Math.min(...runs.flatMap((run) => run.speeds.filter(({ slow }) => slow).map((speed) => speed.ratio)));
  return [
    {
      tone: 'caution',
      text: `${runs.length === 1 ? runs[0]!.place : `${runs.length} runs`}: down to ${formatRatio(worst, 0)} of what was expected, and nothing in the log or the machine tells why. Is the machine described rightly (moeprof machine detect)? What does its memory reach (moeprof machine calibrate)?`,
    },
  ];
}

function unpredicted(runs: readonly CheckedRun[]): Block[] {
  const lines = runs.flatMap(({ lacks, place }): Line[] => (lacks === null ? [] : [{ tone: 'info', text: `${place}: ${lacks}.` }]));
  return lines.length === 0 ? [] : [{ kind: 'lines', lines }];
}

/** Runs that were predicted without a word on where their experts lie. */
function supposed(runs: readonly CheckedRun[]): Block[] {
  const places = runs.filter(({ lacks, unplaced }) => unplaced && lacks === null).map(({ place }) => place);
  if (places.length === 0) return [];
  const which = places.length === 1 ? places[0]! : formatCounted(places.length, 'run');
  const text = `${which}: nothing says where the experts lie; all are taken to be on the GPU. A command line in the log tells it ($ llama-server -m ... -ncmoe 24).`;
  return [{ kind: 'lines', lines: [{ tone: runs.some(({ verdict }) => verdict === 'slow') ? 'warning' : 'info', text }] }];
}
