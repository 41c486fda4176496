import { formatBytes, formatCount, formatCounted, formatRatio } from '../base/units.js';
import {
  type Block,
  type ColumnOf,
  type Document,
  figure,
  type Grid,
  grid,
  type Line,
  pagedFormats,
  rateDatum,
  timesText,
} from '../report/door.js';
import { HOST, isAllOnGpu } from '../runtime/door.js';
import type { AdvisedSetting } from './advise.js';
import type { ModelOffer, ModelOffers } from './models.js';
import { detailed, sentences, takenOf } from './report-parts.js';

type Offered = ModelOffer & { readonly answer: AdvisedSetting };

/** Formats of {@link ModelOffers}. */
export const modelOfferReports = pagedFormats<ModelOffers>('moeprof advise', modelsDocument);

function modelsDocument(offers: ModelOffers): Document {
  const { machine, models, notes, runtime } = offers;
  const fitting = models.filter((offer): offer is Offered => offer.answer !== null);
  const kept = fitting.filter((offer) => offer.kept);
  const held = kept.filter(({ answer }) => !answer.setting.fromDisk);
  const slow = fitting.filter((offer) => !offer.kept);
  return {
    title: `What ${machine} runs, ${runtime}`,
    lead: [...leadOf(offers, fitting.length), ...takenOf(offers)],
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
      ...(fitting.length > 0 ? [LEGEND] : []),
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

function leadOf({ context, goal, models, request, users }: ModelOffers, fitting: number): Line[] {
  const each = users === 1 ? '' : ` of each of ${users} users`;
  const targets = goal.kind === 'targets' ? '; what keeps the targets first' : '';
  return [
    {
      text: `${formatCount(fitting)} of ${formatCounted(models.length, 'model')} ${fitting === 1 ? 'fits' : 'fit'}, the largest first${targets}`,
      tone: fitting === 0 ? 'caution' : 'good',
    },
    { text: `${formatCount(context)} tokens of context${each}, prompts of ${formatCount(request.prompt)}; tokens/s` },
  ];
}

/** Fixed widths align the figures of several grids. */
const COLUMNS: readonly ColumnOf<Offered>[] = [
  { head: 'model', most: 26, width: 26, of: ({ frontier, model }) => ({ value: model, text: frontier ? `${model} *` : model }) },
  { head: 'format', align: 'left', width: 10, of: ({ quantization }) => quantization },
  { head: 'size', width: 9, of: ({ bytes }) => figure(bytes, 'bytes') },
  {
    head: 'on GPU',
    width: 6,
    of: ({ answer }) => ({ value: onGpu(answer), text: isAllOnGpu(answer.setting) ? 'all' : formatRatio(onGpu(answer), 0) }),
  },
  { head: 'decode', width: 7, of: ({ answer }) => rateDatum(answer.decode) },
  { head: 'prefill', width: 8, of: ({ answer }) => rateDatum(answer.prefill) },
];

const gridFor = (models: readonly Offered[], title?: string): Grid => grid(models, COLUMNS, { title });

function onGpu({ devices, setting }: AdvisedSetting): number {
  if (setting.gpuLayers === 0) return 0;
  const sum = (of: typeof devices): number => of.reduce((total, { weights }) => total + weights, 0);
  return sum(devices.filter(({ name }) => name !== HOST)) / sum(devices);
}

/** Meaning of the marks, and the next command. */
const LEGEND: Block = {
  kind: 'lines',
  lines: [
    { text: '* No other that fits is both larger and faster to decode.', tone: 'dim' },
    { text: 'For one model, moeprof advise prints the line to paste, its memory, and what else could be had.', tone: 'dim' },
  ],
};

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
    { head: 'frontier', of: ({ frontier }) => Number(frontier) },
    { head: 'decode', of: ({ answer }) => answer.decode },
    { head: 'prefill', of: ({ answer }) => answer.prefill },
    { head: 'longest_context', of: ({ answer }) => answer.longest },
  ]);
}
