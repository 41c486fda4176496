import type { SeenGpu, SeenVendor } from './seen.js';
import { countOf, generationOf, linkOf, type Tool } from './tool.js';

/** `lspci -D -vv`, a paragraph per device; link width and speed need root. */
export const lspci: Tool = {
  name: 'lspci',
  question: { kind: 'command', argv: ['lspci', '-D', '-vv'] },
  tells: 'names of graphics cards',
  missing: ({ gpus = [] }) => gpus.some(({ names }) => names.length === 0),
  read: (answer) => ({ gpus: answer.split(/\n\s*\n/).flatMap(gpuOf) }),
};

const VENDORS: readonly (readonly [RegExp, SeenVendor])[] = [
  [/^NVIDIA/i, 'nvidia'],
  [/^(Advanced Micro Devices|AMD)/i, 'amd'],
  [/^Intel/i, 'intel'],
];

function gpuOf(paragraph: string): SeenGpu[] {
  const head = /^(\S+) (?:VGA compatible controller|3D controller|Display controller): (.*)/m.exec(paragraph);
  if (head === null) return [];
  const vendor = VENDORS.find(([pattern]) => pattern.test(head[2]!))?.[1];
  if (vendor === undefined) return [];
  const status = /LnkSta:\s*Speed ([\d.]+GT\/s).*?Width x(\d+)/.exec(paragraph);
  const able = /LnkCap:.*?Speed ([\d.]+GT\/s).*?Width x(\d+)/.exec(paragraph);
  // An idle link reports a low speed; the capability is the speed under load.
  const generation = generationOf(able?.[1]?.replace('GT', ' GT'));
  const link = linkOf(generation, countOf(status?.[2]), countOf(able?.[2]));
  return [{ vendor, names: namesOf(head[2]!), bus: head[1]!.toLowerCase(), link }];
}

/** In the last brackets: `Navi 31 [Radeon RX 7900 XT/7900 XTX]` has two. Without brackets, the chip name: `Raphael`. */
function namesOf(text: string): string[] {
  const described = text.replace(/\s*\((rev|prog-if)\b.*$/, '').replace(/^.*?\[AMD\/ATI\]\s*/, '');
  const last = [...described.matchAll(/\[([^\]]+)\]/g)].at(-1)?.[1];
  if (last === undefined) return described.trim() === '' ? [] : [described.trim()];
  const [first, ...others] = last.split('/').map((name) => name.trim());
  const words = first!.split(' ');
  const common = words
    .slice(
      0,
      words.findIndex((word) => /\d/.test(word)),
    )
    .join(' ');
  return [first!, ...others.map((name) => (/^\d/.test(name) ? `${common} ${name}`.trim() : name))];
}
