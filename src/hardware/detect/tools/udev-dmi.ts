import { definedFields, groupedBy } from '../../../base/objects.js';
import type { SeenModule } from './seen.js';
import { countOf, filesOf, type Tool } from './tool.js';

/** Memory modules from firmware, through udev's dmi_memory_id, world-readable (systemd 248 and newer). */
export const udevDmi: Tool = {
  name: 'udev-dmi',
  question: { kind: 'files', paths: ['/run/udev/data/+dmi:id'] },
  tells: 'memory modules with their type, speed and channels',
  missing: ({ board = '', modules = [] }) => modules.length === 0 && !/jetson/i.test(board),
  read: (answer) => ({ modules: modulesOf([...filesOf(answer).values()].join('\n')) }),
};

function modulesOf(text: string): SeenModule[] {
  const lines = text.matchAll(/^E:MEMORY_DEVICE_(\d+)_([A-Z_]+)=(.*)$/gm);
  return [...groupedBy(lines, ([, device]) => device).values()].flatMap((ofDevice): SeenModule[] => {
    const device = new Map(ofDevice.map(([, , key, value]) => [key!, value!.trim()]));
    const bytes = countOf(device.get('SIZE'));
    if (bytes === undefined || device.get('PRESENT') === '0') return [];
    const rated = countOf(device.get('SPEED_MTS'));
    const mts = countOf(device.get('CONFIGURED_SPEED_MTS')) ?? rated;
    return [
      {
        bytes,
        ...(device.has('TYPE') && { type: device.get('TYPE')!.toLowerCase() }),
        ...definedFields({ mts, ratedMts: rated }),
        place: [device.get('LOCATOR'), device.get('BANK_LOCATOR')].filter((text) => text !== undefined).join(' '),
      },
    ];
  });
}
