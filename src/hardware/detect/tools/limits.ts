import type { Seen } from './seen.js';
import { countOf, filesOf, type Tool } from './tool.js';

const GROUPS = '/sys/fs/cgroup';

/** /proc/meminfo and control groups, versions 1 and 2. */
export const limits: Tool = {
  name: 'limits',
  question: {
    kind: 'files',
    paths: [
      '/proc/meminfo',
      `${GROUPS}/memory.max`,
      `${GROUPS}/memory.high`,
      `${GROUPS}/cpu.max`,
      `${GROUPS}/memory/memory.limit_in_bytes`,
    ],
  },
  tells: 'the size of the memory',
  missing: ({ memoryBytes }) => memoryBytes === undefined,
  read: (answer) => {
    const files = filesOf(answer);
    const total = countOf(/^MemTotal:\s+(\d+) kB$/m.exec(files.get('/proc/meminfo') ?? '')?.[1]);
    return {
      ...(total !== undefined && { memoryBytes: total * 1024 }),
      ...memoryLimit(files),
      ...coresLimit(files.get(`${GROUPS}/cpu.max`)),
    };
  },
};

/** Least value that means no limit: version 2 has `max`, version 1 about 2^63. */
const NO_LIMIT = 2 ** 60;

function memoryLimit(files: ReadonlyMap<string, string>): Seen {
  const limits = ['memory.max', 'memory.high', 'memory/memory.limit_in_bytes'].map((name) => countOf(files.get(`${GROUPS}/${name}`)));
  const known = limits.filter((bytes) => bytes !== undefined && bytes < NO_LIMIT) as number[];
  return known.length === 0 ? {} : { limitBytes: Math.min(...known) };
}

/** `400000 100000`: processor microseconds per period. */
function coresLimit(text: string | undefined): Seen {
  const [quota, period] = (text ?? '').split(' ').map(Number);
  return quota! > 0 && period! > 0 ? { limitCores: quota! / period! } : {};
}
