import type { TuneBasis } from '../../advise/door.js';
import { definedFields, groupedBy } from '../../base/objects.js';
import { formatCounted, formatRatio, formatTokensPerSecond } from '../../base/units.js';
import { type Block, bareRate, type Datum, type Document, gridOf, type Line, linesBlock, pagedFormats, ratio } from '../../report/door.js';
import { tagged } from '../../result/version.js';
import { flagGroups, type Speeds } from '../../runtime/door.js';
import { MOST_RUNS, type RunEnd, SURE, type Tuned } from './tune.js';

/** A setting of an expert cache, replayed on the recorded routing. */
export interface ReplayedSetting {
  readonly mebibytes: number;
  /** Share of the misses on the CPU. */
  readonly cpuShare: number;
  readonly hitRate: number;
  /** Expected decode speed, tokens/s. */
  readonly decode: number;
}

/** A finished search. */
export interface TunedAdvice {
  readonly basis: TuneBasis;
  readonly tuned: Tuned;
  /** File that keeps its timings; null: none is kept. */
  readonly kept: string | null;
  /** Absent: no expert cache was tried. */
  readonly replayed?: readonly ReplayedSetting[];
}

/** Formats of a search. */
export const tuneReports = pagedFormats<TunedAdvice>(
  'moeprof advise --tune',
  tunedDocument,
  ({ basis: { points, ...asked }, kept, replayed, tuned }) => {
    const runs = tuned.runs.map(({ at, ...run }) => ({ setting: points[at]!.setting, flags: points[at]!.flags, ...run }));
    const best = tuned.best === null ? null : { setting: points[tuned.best]!.setting, line: points[tuned.best]!.line };
    return {
      ...tagged('moeprof.tuned/2'),
      ...asked,
      settings: points.length,
      best,
      chance: tuned.chance,
      runs,
      ...definedFields({ replayed }),
      kept,
    };
  },
);

function tunedDocument({ basis, kept, replayed = [], tuned: { best, chance, runs } }: TunedAdvice): Document {
  const { machine, model, notes, points, quantization, runtime } = basis;
  const texts = settingTexts(runs.map(({ at }) => points[at]!.flags));
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
  const keeps = kept === null ? '.' : `; ${kept} keeps ${keptRuns(replayed)}: use it with -w, and what follows is learned from it.`;
  const kinds = `${formatCounted(runs.length, 'run')} of ${points.length} settings${keeps}`;
  const spent = (chance ?? 1) >= SURE ? '' : runs.length < MOST_RUNS ? '; no more can run' : `; all ${MOST_RUNS} runs are spent`;
  const speeds = runs.find(({ at }) => at === best)?.end as Speeds;
  return {
    title: `${model} ${quantization} on ${machine}, ${runtime}: tuned`,
    lead: [
      best === null
        ? { text: 'Nothing ran; the reasons stand below', tone: 'caution' }
        : { text: `${bothSpeeds(speeds)}, measured; ${chance === null ? 'no other setting ran' : sureText(chance)}${spent}`, tone: 'good' },
    ],
    blocks: [
      ...(best === null ? [] : [{ kind: 'code' as const, lines: points[best]!.line }]),
      gridOf([{ head: 'setting', wrap: 30 }, ...speedColumns, { head: '', name: 'end', align: 'left' }], rows),
      ...(replayed.length === 0 ? [] : [replayedGrid(replayed)]),
      linesBlock([...failed, ...[...notes, kinds].map((text): Line => ({ text, tone: 'info' }))]),
    ],
  };
}

/** Flags of each setting that not all have. */
function settingTexts(settings: readonly (readonly string[])[]): string[] {
  const groups = settings.map((flags) => flagGroups(flags).map((group) => group.join(' ')));
  const isShared = (text: string): boolean => groups.length > 1 && groups.every((texts) => texts.includes(text));
  return groups.map((texts) => texts.filter((text) => !isShared(text)).join(' '));
}

const keptRuns = (replayed: readonly ReplayedSetting[]): string => (replayed.length === 0 ? 'them' : 'the one without a cache');

/** Expected speeds of all caches: a row a size, a column a share on the CPU. */
function replayedGrid(replayed: readonly ReplayedSetting[]): Block {
  const shares = [...new Set(replayed.map(({ cpuShare }) => cpuShare))];
  const sizes = [...groupedBy(replayed, ({ mebibytes }) => mebibytes).values()];
  const head = shares.map((share) => (share === 0 ? 'decode' : `${formatRatio(share, 0)} on CPU`));
  const rows = sizes.map((size): Datum[] => [size[0]!.mebibytes, ratio(size[0]!.hitRate), ...size.map(({ decode }) => bareRate(decode))]);
  return gridOf(['MiB', 'hits', ...head], rows, { title: 'Expert caches, replayed on the routing of a run' });
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

/** Outcome of a run in words. */
export function endText(end: RunEnd): string {
  return 'failed' in end ? `does not run: ${end.failed}` : `measured ${bothSpeeds(end)}`;
}
