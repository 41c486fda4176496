import { isObject } from '../../../base/objects.js';
import type { SeenGpu } from './seen.js';
import { countOf, type Tool } from './tool.js';

/** rocm-smi: name and memory of AMD cards, with ROCm installed. */
export const rocmSmi: Tool = {
  name: 'rocm-smi',
  question: { kind: 'command', argv: ['rocm-smi', '--showproductname', '--showmeminfo', 'vram', '--showbus', '--json'] },
  tells: 'names of AMD cards',
  missing: ({ gpus = [] }) => gpus.some(({ names, vendor }) => vendor === 'amd' && names.length === 0),
  read: (answer) => ({ gpus: cardsOf(answer).map(gpuOf) }),
};

type Card = Readonly<Record<string, string>>;

function cardsOf(answer: string): Card[] {
  const start = answer.indexOf('{');
  if (start < 0) return [];
  const cards = JSON.parse(answer.slice(start)) as Readonly<Record<string, unknown>>;
  return Object.entries(cards).flatMap(([key, card]) => (/^card\d+$/.test(key) && isObject(card) ? [card as Card] : []));
}

function gpuOf(card: Card): SeenGpu {
  const textOf = (...keys: readonly string[]): string | undefined => {
    const found = Object.entries(card).find(([key]) => keys.includes(key.toLowerCase()));
    return found === undefined ? undefined : String(found[1]);
  };
  const names = [textOf('card series'), textOf('card model')].filter((name) => name !== undefined && !/^(0x|n\/a)/i.test(name)) as string[];
  const bus = textOf('pci bus')?.toLowerCase();
  const bytes = countOf(textOf('vram total memory (b)'));
  return { vendor: 'amd', names, ...(bus !== undefined && { bus }), ...(bytes !== undefined && { memoryBytes: bytes }) };
}
