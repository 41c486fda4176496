import { formatBytes, formatCount, formatCounted, formatRatio } from '../base/units.js';
import {
  type Block,
  type ColumnOf,
  type Datum,
  type Document,
  figure,
  type Grid,
  grid,
  type Line,
  linesBlock,
  pagedFormats,
  rateDatum,
  timesText,
} from '../report/door.js';
import { HOST, isAllOnGpu } from '../runtime/door.js';
import type { AdvisedSetting } from './advise.js';
import type { ModelOffer, ModelOffers } from './models.js';
import { detailed, sentences, shapeLine, takenOf } from './report-parts.js';

type Offered = ModelOffer & { readonly answer: AdvisedSetting };

/** Width of a column, characters. */
export const MODEL_WIDTH = 25;

/** Formats of {@link ModelOffers}. */
export const modelOfferReports = pagedFormats<ModelOffers>('moeprof advise', modelsDocument);

/** Models with sizes and speeds. */
export function modelsDocument(offers: ModelOffers): Document {
  const { machine, models, notes, runtime } = offers;
  const fitting = models.filter((offer): offer is Offered => offer.answer !== null);
  const kept = fitting.filter((offer) => offer.kept);
  const held = kept.filter(({ answer }) => !answer.setting.fromDisk);
  const slow = fitting.filter((offer) => !offer.kept);
  const scales = scalesOf(fitting);
  const gridFor = (shown: readonly Offered[], title?: string): Grid => grid(shown, columnsOf(scales), { title });
  return {
    title: `What ${machine} runs, ${runtime}`,
    lead: [...leadOf(offers, fitting.length), ...models.flatMap(shapeLine), ...takenOf(offers)],
    blocks: [
      gridFor(held.filter(({ preferred }) => preferred)),
      gridFor(
        held.filter(({ preferred }) => !preferred),
        'In fewer bits than usual, which costs quality',
      ),
      gridFor(
        kept.filter(({ answer }) => answer.setting.fromDisk),
        'Memory does not hold these: their experts are read from the disk as they are needed',
      ),
      gridFor(slow, 'Slower than the targets'),
      ...(fitting.length > 0 ? legendOf(scales) : []),
      ...sentences(
        'does not fit',
        models.flatMap(({ missing, model, quantization }) =>
          missing === 0 ? [] : [`${model} in ${quantization}: needs ${formatBytes(missing)} more memory.`],
        ),
      ),
      ...detailed(sentences('how sure', [...bandNotes(fitting), ...notes])),
    ],
    records: recordsOf(fitting),
  };
}

function leadOf({ among, context, goal, models, request, users }: ModelOffers, fitting: number): Line[] {
  const each = users === 1 ? '' : ` of each of ${users} users, who keep asking`;
  const targets = goal.kind === 'targets' ? '; what keeps the targets first' : '';
  return [
    {
      text: `${countText(among, fitting, models.length)}, by published quality${targets}`,
      tone: fitting === 0 ? 'caution' : 'good',
    },
    { text: `${formatCount(context)} tokens of context${each}, prompts of ${formatCount(request.prompt)}; tokens/s` },
  ];
}

function countText(among: number | undefined, fitting: number, all: number): string {
  if (among !== undefined) return `${formatCount(fitting)} of ${formatCounted(among, 'bundled model')}, the first that fit`;
  return `${formatCount(fitting)} of ${formatCounted(all, 'model')} ${fitting === 1 ? 'fits' : 'fit'}`;
}

/** Fixed widths align the figures of several grids. */
const columnsOf = (scales: readonly string[]): readonly ColumnOf<Offered>[] => [
  { head: 'model', most: MODEL_WIDTH, width: MODEL_WIDTH, of: ({ model }) => model },
  { head: 'format', align: 'left', width: 10, of: ({ quantization }) => quantization },
  { head: 'size', width: 8, of: ({ bytes }) => figure(bytes, 'bytes') },
  {
    head: 'GPU',
    width: 4,
    of: ({ answer }) => ({ value: onGpu(answer), text: isAllOnGpu(answer.setting) ? 'all' : formatRatio(onGpu(answer), 0) }),
  },
  { head: 'decode', width: 6, of: ({ answer }) => rateDatum(answer.served?.throughput ?? answer.decode) },
  { head: 'prefill', width: 7, of: ({ answer }) => rateDatum(answer.prefill) },
  { head: 'score', of: ({ quality }) => scoreOf(quality, scales) },
];

/** Scales of the models, in their order. */
const scalesOf = (models: readonly Offered[]): string[] => [...new Set(models.flatMap(({ quality }) => quality?.scale ?? []))];

function scoreOf(quality: ModelOffer['quality'], scales: readonly string[]): Datum {
  return quality === null ? '-' : { value: quality.score, text: `${quality.score}${'*'.repeat(scales.indexOf(quality.scale))}` };
}

function onGpu({ devices, setting }: AdvisedSetting): number {
  if (setting.gpuLayers === 0) return 0;
  const sum = (of: typeof devices): number => of.reduce((total, { weights }) => total + weights, 0);
  return sum(devices.filter(({ name }) => name !== HOST)) / sum(devices);
}

/** Scales of the scores, and the next command. */
function legendOf(scales: readonly string[]): Block[] {
  const text = scales.map((scale, i) => `${'*'.repeat(i)}${scale}`).join(', ');
  const scores: Line[] = scales.length === 0 ? [] : [{ text: `score: ${text}; without one, by release.`, tone: 'dim' }];
  const next = 'For one model, moeprof advise prints the line to paste, its memory, and what else could be had.';
  return [
    linesBlock([...scores, { text: next, tone: 'dim' }], { only: ['terminal'] }),
    ...(scores.length > 0 ? [linesBlock(scores, { only: ['markdown'] })] : []),
  ];
}

/** Narrowest and widest band; bands depend on placement and format. */
function bandNotes(models: readonly Offered[]): string[] {
  return (['decode', 'prefill'] as const).flatMap((phase) => {
    const bands = models.flatMap(({ bands }) => bands?.[phase] ?? []).toSorted((a, b) => a.high / a.low - b.high / b.low);
    const [least, most] = [bands[0], bands.at(-1)].map((band) => (band === undefined ? '' : timesText(band)));
    if (bands.length === 0) return [];
    const range = least === most ? least! : `${least} to ${most} by format and placement,`;
    return [`${phase === 'decode' ? 'Decode' : 'Prefill'}: 80 % of comparable measurements were ${range} what was predicted.`];
  });
}

/** A CSV row for each fitting model. */
function recordsOf(models: readonly Offered[]): Grid {
  return grid(models, [
    { head: 'model', of: ({ model }) => model },
    { head: 'parameters', of: ({ parameters }) => parameters.total },
    { head: 'active_parameters', of: ({ parameters }) => parameters.active },
    { head: 'quantization', of: ({ quantization }) => quantization },
    { head: 'bytes', of: ({ bytes }) => bytes },
    { head: 'gpu_share', of: ({ answer }) => onGpu(answer) },
    { head: 'from_disk', of: ({ answer }) => Number(answer.setting.fromDisk) },
    { head: 'preferred', of: ({ preferred }) => Number(preferred) },
    { head: 'kept', of: ({ kept }) => Number(kept) },
    { head: 'score', of: ({ quality }) => quality?.score ?? '' },
    { head: 'scale', of: ({ quality }) => quality?.scale ?? '' },
    { head: 'decode', of: ({ answer }) => answer.decode },
    { head: 'prefill', of: ({ answer }) => answer.prefill },
    { head: 'longest_context', of: ({ answer }) => answer.longest },
  ]);
}
