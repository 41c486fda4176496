// The report of `moeprof advise --tune`: the fastest setting that was measured, its line, and every point that was run.

import type { TuneBasis } from '../../advise/door.js';
import { formatCounted, formatRatio, formatTokensPerSecond } from '../../base/units.js';
import {
  bareRate,
  type Column,
  type Datum,
  type Document,
  documentFormats,
  type Format,
  gridOf,
  type Line,
  linesBlock,
  pageFormat,
} from '../../report/door.js';
import { tagged } from '../../result/version.js';
import type { Speeds } from '../../runtime/setting/goal.js';
import { CERTAIN, type Tuned, type TunedRun } from './tune.js';

/** A finished search, with what was searched and where its timings are kept. */
export interface TunedAdvice {
  readonly basis: TuneBasis;
  readonly tuned: Tuned;
  /** File of the machine. */
  readonly kept: string;
}

/** Formats of a search, the one for reading first. */
export const tuneReports: readonly Format<TunedAdvice>[] = [
  ...documentFormats<TunedAdvice>(tunedDocument, dataOf),
  pageFormat(tunedDocument, 'moeprof advise --tune'),
];

function dataOf({ basis, kept, tuned }: TunedAdvice): unknown {
  const { benchmark: _, points, ...asked } = basis;
  const runs = tuned.runs.map(({ at, ...run }) => ({ setting: points[at]!.setting, flags: points[at]!.flags, ...run }));
  const best = tuned.best === null ? null : { setting: points[tuned.best]!.setting, line: points[tuned.best]!.line };
  return { ...tagged('moeprof.tuned/1'), ...asked, settings: points.length, best, left: tuned.left, runs, kept };
}

function tunedDocument({ basis, kept, tuned }: TunedAdvice): Document {
  const { machine, model, points, quantization, runtime } = basis;
  const { best, runs } = tuned;
  const texts = settingTexts(runs.map(({ at }) => points[at]!.flags));
  const rows = runs.map(({ at, end, predicted }, i): Datum[] => [
    texts[i],
    bareRate(predicted.decode),
    bareRate(predicted.prefill),
    ...('failed' in end ? [null, null, 'failed'] : [bareRate(end.decode), bareRate(end.prefill), at === best ? 'best' : '']),
  ]);
  const columns: (string | Column)[] = [
    { head: 'setting', wrap: 30 },
    { head: 'predicted', name: 'predicted_decode' },
    { head: 'prefill', name: 'predicted_prefill' },
    { head: 'measured', name: 'measured_decode' },
    { head: 'prefill', name: 'measured_prefill' },
    { head: '', name: 'end', align: 'left' },
  ];
  const failed = runs.flatMap(({ end }, i): Line[] => ('failed' in end ? [{ text: `${texts[i]}: ${end.failed}`, tone: 'warning' }] : []));
  return {
    title: `${model} ${quantization} on ${machine}, ${runtime}: tuned`,
    lead: verdictOf(tuned),
    blocks: [
      ...(best === null ? [] : [{ kind: 'code' as const, lines: points[best]!.line }]),
      gridOf(columns, rows),
      linesBlock([...failed, ...notesOf(basis, kept, runs)]),
    ],
  };
}

/** Flags of settings as words, without those that all have. */
function settingTexts(flags: readonly (readonly string[])[]): string[] {
  const pairs = flags.map((words) => words.flatMap((word, i) => (word.startsWith('-') ? [[word, words[i + 1] ?? ''].join(' ')] : [])));
  const common = (pair: string): boolean => pairs.length > 1 && pairs.every((own) => own.includes(pair));
  return pairs.map((own) => own.filter((pair) => !common(pair)).join(' ') || 'as given');
}

function verdictOf({ best, left, runs }: Tuned): Line[] {
  if (best === null) return [{ text: 'Nothing ran; the reasons stand below', tone: 'caution' }];
  const { end } = runs.find(({ at }) => at === best)!;
  return [{ text: `${bothSpeeds(end as Speeds)}, measured; ${leftText(left)}`, tone: 'good' }];
}

/** Both speeds. */
export function bothSpeeds({ decode, prefill }: Speeds): string {
  return `${formatTokensPerSecond(decode)}, prompts ${formatTokensPerSecond(prefill)}`;
}

/** How sure the best is. @param left as of {@link Tuned} */
export function leftText(left: Tuned['left']): string {
  if (left === null) return 'nothing is measured yet';
  return left <= CERTAIN
    ? 'no other setting is likely to be faster by more than 3 %'
    : `another setting may be up to ${formatRatio(left, 0)} faster`;
}

function notesOf({ benchmark, cached, draft, points }: TuneBasis, kept: string, runs: readonly TunedRun[]): Line[] {
  const lacks = [
    ...(cached ? ['has no expert cache'] : []),
    ...(draft > 0 ? [`drafts nothing, not the ${draft} tokens of the answer`] : []),
  ];
  return [
    ...lacks.map((text) => ({
      text: `${benchmark.command} ${text}: what that gains is as moeprof advise predicts it.`,
      tone: 'info' as const,
    })),
    {
      text: `${formatCounted(runs.length, 'run')} of ${points.length} settings; timings are kept in ${kept}: use it with -w, and what follows is learned from them.`,
      tone: 'info',
    },
  ];
}
