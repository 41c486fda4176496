// From modules, system and container to the memory of a machine: type, speed and channels, and how much of it can be used.
import { formatBytes, formatCounted } from '../../base/units.js';
import type { CpuPart } from '../parts/cpu.js';
import type { Draft } from './draft.js';
import { summarizeModules } from './memory-of.js';
import type { Seen } from './tools/seen.js';

/** Adds modules and size of the memory beside a CPU. */
export function addMemory(seen: Seen, cpu: CpuPart | null, draft: Draft): void {
  const { notSeen, parts, remarks } = draft;
  const modules = summarizeModules(seen.modules ?? []);
  if (modules === null)
    notSeen.push(
      `The memory modules were not seen${cpu === null ? '' : `: the fastest that ${cpu.name} lists, on all channels, are taken`}.`,
    );
  else if (modules.text === null)
    notSeen.push('Type or speed of the memory modules was not seen: the fastest that the CPU lists are taken.');
  else {
    const sockets = seen.cpu?.sockets ?? 1;
    const most = cpu === null ? modules.channels : cpu.memory.channels * sockets;
    const wide = modules.text.includes('lpddr');
    const channels = wide ? modules.channels : Math.min(modules.channels, most);
    const text = channels === modules.channels ? modules.text : modules.text.replace(/^\d+/, String(channels));
    parts.push({
      part: text,
      seen: `${formatCounted(seen.modules!.length, 'module')}${modules.channelsTold ? '' : ', each taken for a channel'}`,
      exact: true,
    });
    if (!wide && channels < most)
      remarks.push(
        `${channels} of ${most} memory channels are filled: the CPU reads at ${Math.round((100 * channels) / most)} % of what its memory could give.`,
      );
    if (modules.slowed !== null)
      remarks.push(
        `The memory runs at ${modules.slowed.mts} of ${modules.slowed.ratedMts} million transfers a second: a profile of the firmware (XMP, EXPO) is off.`,
      );
  }
  addSize(seen, 'modules of a usual size are taken', draft);
}

/**
 * Adds the size of the memory: modules report all of it, the system what firmware leaves.
 * @param instead replacement where neither reports it
 */
export function addSize({ limitBytes, memoryBytes, modules = [] }: Seen, instead: string, { notSeen, parts, remarks }: Draft): void {
  const whole = summarizeModules(modules)?.bytes;
  const bytes = whole ?? memoryBytes;
  if (bytes === undefined) notSeen.push(`The size of the memory was not seen: ${instead}.`);
  else {
    const usable = usableBytes(bytes, limitBytes, remarks);
    parts.push({ part: sizeText(usable), seen: `${formatBytes(bytes)}${whole === undefined ? ' that the system has' : ''}`, exact: true });
  }
}

/** Memory within the limit of a container; else the size that it was sold with. */
function usableBytes(bytes: number, limitBytes: number | undefined, remarks: string[]): number {
  if (limitBytes === undefined || limitBytes >= bytes) return soldBytes(bytes);
  remarks.push(`A limit of this container leaves ${formatBytes(limitBytes)} of ${formatBytes(bytes)} of memory.`);
  return limitBytes;
}

/** The system shows a little less than the modules have: kernel and firmware keep up to some percent. */
const KEPT = 0.06;
const GIB = 2 ** 30;

/** The nearest size that memory is sold in, where one is near enough; else the size itself. */
function soldBytes(bytes: number): number {
  const step = bytes > 96 * GIB ? 32 : bytes > 24 * GIB ? 8 : bytes > 8 * GIB ? 4 : 1;
  const sold = Math.ceil(bytes / (step * GIB)) * step * GIB;
  return bytes / sold > 1 - KEPT ? sold : bytes;
}

/** As a machine is written: memory in powers of two. */
function sizeText(bytes: number): string {
  return `${Math.max(0.1, Math.round((bytes / GIB) * 10) / 10)}GB`;
}
