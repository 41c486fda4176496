import type { SeenGpu } from './seen.js';
import { countOf, linkOf, type Tool } from './tool.js';

const FIELDS = [
  'pci.bus_id',
  'name',
  'memory.total',
  'pcie.link.gen.max',
  'pcie.link.width.current',
  'pcie.link.width.max',
  'power.limit',
  'power.default_limit',
] as const;

/** `nvidia-smi --query-gpu=...` (`--help-query-gpu`). Missing without the driver, and on a Jetson. */
export const nvidiaSmi: Tool = {
  name: 'nvidia-smi',
  platforms: ['linux', 'win32'],
  question: { kind: 'command', argv: ['nvidia-smi', `--query-gpu=${FIELDS.join(',')}`, '--format=csv,noheader,nounits'] },
  tells: 'memory, link and power limit of NVIDIA cards',
  missing: ({ gpus = [] }) => gpus.some(({ memoryBytes, vendor }) => vendor === 'nvidia' && memoryBytes === undefined),
  read: (answer) => ({ gpus: answer.split('\n').flatMap(gpuOf) }),
};

function gpuOf(line: string): SeenGpu[] {
  const fields = line.split(',').map((field) => field.trim());
  if (fields.length !== FIELDS.length || fields[1] === '') return [];
  const [bus, name, memory, generation, lanes, mostLanes, limit, usual] = fields as [string, ...string[]];
  const mebibytes = countOf(memory);
  const watts = [Number(limit), Number(usual)] as const;
  return [
    {
      vendor: 'nvidia',
      names: [name!],
      bus: bus.toLowerCase().replace(/^0000(?=[\da-f]{4}:)/, ''),
      // A chip with shared memory reports [N/A].
      ...(mebibytes !== undefined && { memoryBytes: mebibytes * 2 ** 20 }),
      link: linkOf(countOf(generation), countOf(lanes), countOf(mostLanes)),
      ...(watts.every((value) => value > 0) && { power: { limit: watts[0], usual: watts[1] } }),
    },
  ];
}
