import { definedFields } from '../../../base/objects.js';
import { countOf, filesOf, flagsOf, type Tool } from './tool.js';

/** /proc/cpuinfo without lscpu, as in small containers: a paragraph per thread on x86; no name and no cores on Arm. */
export const cpuinfo: Tool = {
  name: 'cpuinfo',
  question: { kind: 'files', paths: ['/proc/cpuinfo'] },
  tells: 'the processor',
  missing: ({ cpu }) => cpu === undefined,
  read: (answer) => {
    const text = filesOf(answer).get('/proc/cpuinfo') ?? '';
    const threads = text.split(/\n\s*\n/).filter((paragraph) => /^processor\s*:/m.test(paragraph));
    const [first] = threads;
    if (first === undefined) return {};
    const field = (paragraph: string, key: string): string | undefined => {
      const pairs = paragraph.split('\n').map((line) => line.split(/:(.*)/, 2).map((part) => part.trim()));
      return pairs.find(([name]) => name === key)?.[1] || undefined;
    };
    const sockets = new Set(threads.map((thread) => field(thread, 'physical id') ?? '0'));
    const cores = new Set(threads.map((thread, i) => `${field(thread, 'physical id')}/${field(thread, 'core id') ?? i}`));
    const name = field(first, 'model name');
    const flags = flagsOf(field(first, 'flags') ?? field(first, 'Features'));
    const [family, model, vendor] = [countOf(field(first, 'cpu family')), countOf(field(first, 'model')), field(first, 'vendor_id')];
    // On x86 twice the time-stamp clock; Arm counts differently.
    const ticks = vendor === undefined ? 0 : Number(field(first, 'bogomips') ?? 0) / 2;
    return {
      cpu: {
        names: name === undefined ? [] : [name],
        cores: cores.size,
        sockets: sockets.size,
        ...definedFields({ vendor, family, model }),
        ...(flags.includes('hypervisor') && { hypervisor: '' }),
        ...(ticks > 0 && { clockHz: ticks * 1e6 }),
        flags,
      },
    };
  },
};
