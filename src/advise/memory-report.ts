import { formatBytes } from '../base/units.js';
import { type Block, type Datum, figure, type Grid, gridOf } from '../report/door.js';
import { freeOf, usedOf } from '../runtime/door.js';
import type { Advice, AdvisedSetting } from './advise.js';
import { detailed, sentences } from './report-parts.js';

/** `used of has`, with the unit once if equal. */
const filledText = (used: string, has: number): string => `${used} of ${formatBytes(has)}`.replace(/ (\w+)( of \S+) \1$/, '$2 $1');

function memoryText(devices: AdvisedSetting['devices']): string {
  const cards = devices.filter(({ name }) => name.startsWith('GPU '));
  const alike = cards.length > 1 && cards.every(({ has }) => has === cards[0]!.has);
  const together = alike ? [`GPUs ${filledText(cards.map((card) => formatBytes(usedOf(card))).join(' and '), cards[0]!.has)}`] : [];
  const others = alike ? devices.filter((device) => !cards.includes(device)) : devices;
  const each = others.map(
    (device) => `${device.name === 'memory' ? '' : `${device.name} `}${filledText(formatBytes(usedOf(device)), device.has)}`,
  );
  return [...together, ...each].join(', ');
}

/** A line, bars, a table by device, and hints on the command. */
export function memoryBlocks({ hints }: Advice, answer: AdvisedSetting): Block[] {
  const [brief] = sentences('memory', [memoryText(answer.devices), ...hints]);
  const bars: Block = {
    kind: 'facts',
    facts: answer.devices.map((device) => [device.name, `${memoryText([device])} for weights, KV cache and compute`]),
    shares: answer.devices.map(({ compute, has, kv, weights }) => [weights, kv, compute].map((bytes) => Math.min(1, bytes / has))),
    indent: 0,
    only: ['page'],
  };
  return [{ ...brief!, detail: 'brief' }, bars, ...detailed([memoryGrid(answer), ...sentences('to start it', hints)])];
}

function memoryGrid({ devices }: AdvisedSetting): Grid {
  const rows = devices.map((device): Datum[] => [
    device.name,
    ...[device.weights, device.kv, device.compute].map((bytes) => figure(bytes, 'bytes')),
    freeText(freeOf(device)),
    figure(device.has, 'bytes'),
  ]);
  return gridOf(['memory', 'weights', 'KV', 'compute', 'free', 'of'], rows);
}

/** Free bytes; a negative value stays on the disk. */
const freeText = (bytes: number): Datum => (bytes < 0 ? { value: bytes, text: `${formatBytes(-bytes)} on disk` } : figure(bytes, 'bytes'));
