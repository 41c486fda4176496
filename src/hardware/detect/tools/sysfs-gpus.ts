import { byName } from '../../../base/objects.js';
import type { SeenGpu, SeenVendor } from './seen.js';
import { countOf, filesOf, generationOf, linkOf, type Tool } from './tool.js';

const DEVICE = '/sys/bus/pci/devices/*';
const LINK = ['max_link_speed', 'current_link_width', 'max_link_width'];
/** Upper port of an AMD card's bridge: the card always has all lanes to the bridge, the port has the slot's. */
const ABOVE = '../..';

/** Cards without root and names: Documentation/ABI/testing/sysfs-bus-pci and the amdgpu driver. */
export const sysfsGpus: Tool = {
  name: 'sysfs-gpus',
  question: {
    kind: 'files',
    paths: [
      ...['class', 'vendor', 'mem_info_vram_total', ...LINK].map((name) => `${DEVICE}/${name}`),
      ...['vendor', ...LINK].map((name) => `${DEVICE}/${ABOVE}/${name}`),
    ],
  },
  tells: 'links of graphics cards',
  missing: ({ gpus = [] }) => gpus.some(({ link }) => link?.lanes === undefined),
  read: (answer) => ({ gpus: gpusOf(filesOf(answer)) }),
};

const VENDORS = byName<SeenVendor>({ '0x10de': 'nvidia', '0x1002': 'amd', '0x8086': 'intel' });

function gpusOf(files: ReadonlyMap<string, string>): SeenGpu[] {
  const devices = [...files.keys()].flatMap((path) => (path.endsWith('/class') ? [path.slice(0, -'/class'.length)] : []));
  return devices.flatMap((device): SeenGpu[] => {
    const file = (name: string): string | undefined => files.get(`${device}/${name}`);
    const vendor = VENDORS[file('vendor') ?? ''];
    if (vendor === undefined || !/^0x03/.test(file('class') ?? '')) return [];
    const bytes = countOf(file('mem_info_vram_total'));
    const bridge = vendor === 'amd' && file(`${ABOVE}/vendor`) === file('vendor') ? `${ABOVE}/` : '';
    const lanesOf = (name: string): number | undefined => {
      const lanes = countOf(file(`${bridge}${name}`));
      return lanes !== undefined && lanes <= 16 ? lanes : undefined;
    };
    return [
      {
        vendor,
        names: [],
        bus: device.slice(device.lastIndexOf('/') + 1),
        ...(bytes !== undefined && { memoryBytes: bytes }),
        link: linkOf(generationOf(file(`${bridge}max_link_speed`)), lanesOf('current_link_width'), lanesOf('max_link_width')),
      },
    ];
  });
}
