import type { SeenDisk } from './seen.js';
import { countOf, filesOf, generationOf, linkOf, type Tool } from './tool.js';

const BLOCK = '/sys/block/*';
/** Bytes of a sysfs sector, for every drive. */
const SECTOR = 512;

/** Drives with kind, size and link, without rates: Documentation/ABI/stable/sysfs-block. */
export const sysfsDisks: Tool = {
  name: 'sysfs-disks',
  question: {
    kind: 'files',
    paths: [
      `${BLOCK}/size`,
      `${BLOCK}/queue/rotational`,
      `${BLOCK}/device/model`,
      ...['max_link_speed', 'current_link_width'].map((name) => `${BLOCK}/device/device/${name}`),
    ],
  },
  tells: 'drives',
  missing: ({ disks = [] }) => disks.length === 0,
  read: (answer) => ({ disks: disksOf(filesOf(answer)) }),
};

function disksOf(files: ReadonlyMap<string, string>): SeenDisk[] {
  const names = [...files.keys()].flatMap((path) => /^\/sys\/block\/([^/]+)\/size$/.exec(path)?.[1] ?? []);
  return names.flatMap((name): SeenDisk[] => {
    const file = (rest: string): string | undefined => files.get(`/sys/block/${name}/${rest}`);
    const kind = kindOf(name, file('queue/rotational'));
    const sectors = countOf(file('size'));
    if (kind === null || sectors === undefined) return [];
    const link = linkOf(generationOf(file('device/device/max_link_speed')), countOf(file('device/device/current_link_width')));
    return [{ name: file('device/model') ?? name, kind, bytes: sectors * SECTOR, ...(Object.keys(link).length > 0 && { link }) }];
  });
}

function kindOf(name: string, rotational: string | undefined): SeenDisk['kind'] | null {
  if (/^nvme\d+n\d+$/.test(name)) return 'nvme';
  if (/^sd[a-z]+$/.test(name)) return rotational === '1' ? 'hdd' : 'sata';
  if (/^mmcblk\d+$/.test(name)) return 'emmc';
  return /^(vd|xvd)[a-z]+$/.test(name) ? 'virtual' : null;
}
