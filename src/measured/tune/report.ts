import type { TuneBasis } from '../../advise/door.js';
import { formatCounted, formatRatio, formatTokensPerSecond } from '../../base/units.js';
import { bareRate, type Datum, type Document, gridOf, type Line, linesBlock, pagedFormats } from '../../report/door.js';
import { tagged } from '../../result/version.js';
import type { Speeds } from '../../runtime/door.js';
import { MOST_RUNS, SURE, type Tuned } from './tune.js';

/** A finished search. */
export interface TunedAdvice {
  readonly basis: TuneBasis;
  readonly tuned: Tuned;
  readonly kept: string;
}

/** Formats of a search. */
export const tuneReports = pagedFormats<TunedAdvice>(
  'moeprof advise --tune',
  tunedDocument,
  ({ basis: { points, ...asked }, kept, tuned }) => {
    const runs = tuned.runs.map(({ at, ...run }) => ({ setting: points[at]!.setting, flags: points[at]!.flags, ...run }));
    const best = tuned.best === null ? null : { setting: points[tuned.best]!.setting, line: points[tuned.best]!.line };
    return { ...tagged('moeprof.tuned/2'), ...asked, settings: points.length, best, chance: tuned.chance, runs, kept };
  },
);

function tunedDocument({ basis, kept, tuned: { best, chance, runs } }: TunedAdvice): Document {
  const { machine, model, notes, points, quantization, runtime } = basis;
  const texts = runs.map(({ at }) => points[at]!.flags.join(' '));
  const rows = runs.map(({ at, end, predicted }, i): Datum[] => [
    texts[i],
    bareRate(predicted.decode),
    bareRate(predicted.prefill),
    ...('failed' in end ? [null, null, 'failed'] : [bareRate(end.decode), bareRate(end.prefill), at === best ? 'best' : '']),
  ]);
  const speedColumns = ['predicted', 'measured'].flatMap((what) => [
    { head: what, name: `${what}_decode` },
    { head: 'prefill', name: `${what}_prefill` },
  ]);
  const failed = runs.flatMap(({ end }, i): Line[] => ('failed' in end ? [{ text: `${texts[i]}: ${end.failed}`, tone: 'warning' }] : []));
  const kinds = `${formatCounted(runs.length, 'run')} of ${points.length} settings; ${kept} keeps them: use it with -w, and what follows is learned from them.`;
  const spent = (chance ?? 1) >= SURE ? '' : runs.length < MOST_RUNS ? '; no more can run' : `; all ${MOST_RUNS} runs are spent`;
  const speeds = runs.find(({ at }) => at === best)?.end as Speeds;
  return {
    title: `${model} ${quantization} on ${machine}, ${runtime}: tuned`,
    lead: [
      best === null
        ? { text: 'Nothing ran; the reasons stand below', tone: 'caution' }
        : { text: `${bothSpeeds(speeds)}, measured; ${sureText(chance)}${spent}`, tone: 'good' },
    ],
    blocks: [
      ...(best === null ? [] : [{ kind: 'code' as const, lines: points[best]!.line }]),
      gridOf([{ head: 'setting', wrap: 30 }, ...speedColumns, { head: '', name: 'end', align: 'left' }], rows),
      linesBlock([...failed, ...[...notes, kinds].map((text): Line => ({ text, tone: 'info' }))]),
    ],
  };
}

/** Decode and prefill speed. */
export function bothSpeeds({ decode, prefill }: Speeds): string {
  return `${formatTokensPerSecond(decode)}, prompts ${formatTokensPerSecond(prefill)}`;
}

/** Certainty of the choice in words. @param chance as of {@link Tuned} */
export function sureText(chance: Tuned['chance']): string {
  if (chance === null) return 'nothing is measured yet';
  return `${chance >= SURE ? 'sure' : 'not sure'}, ${formatRatio(chance, 0)}: no other setting is faster by more than 3 %`;
}
