// Timed faults of a machine.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { BYTES, DURATION, formatBytes, formatNs, formatRatio, type Quantity, SHARE } from '../base/units.js';
import { quantity } from '../base/yaml.js';

const LOSS: Quantity = {
  noun: 'a loss of memory',
  accepted: '-4GiB or -500MiB',
  read: (value) => {
    const text = String(value).trim();
    const bytes = text.startsWith('-') ? BYTES.read(text.slice(1)) : null;
    return bytes === null || bytes === 0 ? null : bytes;
  },
};

const share = quantity(SHARE).refine((value) => value > 0, {
  error: 'must be more than 0%: what does not move at all never ends, nor does the run',
  abort: true,
});

const faultSchema = z
  .strictObject({
    at: quantity(DURATION).describe('Simulated time at which it strikes, e.g. 2s.'),
    until: quantity(DURATION).optional().describe('When it is over. Absent: never.'),
    link: z.enum(['h2d', 'ssd']).optional().describe('Link that is hit: h2d or ssd; with bandwidth or lanes.'),
    bandwidth: share.optional().describe("Share of the link's bandwidth that is left, e.g. 50%."),
    lanes: z.int().negative().optional().describe('Lanes that the link loses, e.g. -1; the others keep their speed.'),
    cpu: share.optional().describe("Share of the CPU's speed that is left, e.g. 50%."),
    gpuMemory: quantity(LOSS).optional().describe('GPU memory that is lost, e.g. -4GiB; the expert cache gives it up.'),
    gpu: z.int().min(0).optional().describe('Number of the GPU that loses memory, or whose h2d is hit, from 0. Absent: each of them.'),
  })
  .superRefine((fault, context) => {
    const refuse = (message: string, path: string[] = []): void => context.addIssue({ code: 'custom', path, message });
    const changes = (['bandwidth', 'lanes', 'cpu', 'gpuMemory'] as const).filter((key) => fault[key] !== undefined);
    if (changes.length === 0) refuse('says nothing that changes; give a link with bandwidth or lanes, cpu, or gpuMemory');
    if (changes.length > 1) refuse(`changes ${changes.join(' and ')} at once; write one fault for each`);
    const ofLink = fault.bandwidth !== undefined || fault.lanes !== undefined;
    if (ofLink && fault.link === undefined) refuse('needs the link that it hits; say link: h2d or link: ssd');
    if (!ofLink && fault.link !== undefined && changes.length === 1) refuse('is no property of a link; leave it out', ['link']);
    if (fault.gpu !== undefined && fault.gpuMemory === undefined && fault.link !== 'h2d' && changes.length === 1)
      refuse('says whose memory or whose h2d is hit, and all else is of the machine; leave it out', ['gpu']);
    if (fault.until !== undefined && fault.until <= fault.at) refuse('must be later than at', ['until']);
  });

/** Schema of `faults` in a run profile. */
export const faultsSchema = z.array(faultSchema).min(1);

/**
 * A fault, times in ns: exactly one of `bandwidth`, `lanes` (with `link`), `cpu`, and `gpuMemory` (lost bytes);
 * optionally of a `gpu`.
 */
export type Fault = z.infer<typeof faultSchema>;

/** True while a fault is in effect at `nowNs`. */
export const isInEffect = ({ at, until = Number.POSITIVE_INFINITY }: Fault, nowNs: number): boolean => at <= nowNs && nowNs < until;

/** True if a fault hits the GPU, or the whole machine. */
export const hits = (fault: Fault, gpu: number): boolean => fault.gpu === undefined || fault.gpu === gpu;

/** Bytes that a GPU lacks at `nowNs`. */
export function lostBytes(faults: readonly Fault[], gpu: number, nowNs: number): number {
  const active = faults.filter((fault) => isInEffect(fault, nowNs) && hits(fault, gpu));
  return active.reduce((sum, { gpuMemory = 0 }) => sum + gpuMemory, 0);
}

/** A fault in words: `h2d at 50.0 % of its bandwidth from 2.00 s`. @param gpus of the machine */
export function describeFault({ at, bandwidth, cpu, gpu, gpuMemory, lanes, link, until }: Fault, gpus = 1): string {
  const when = `from ${formatNs(at)}${until === undefined ? '' : ` to ${formatNs(until)}`}`;
  const path = gpus === 1 || gpu === undefined ? link : `${link} of GPU ${gpu}`;
  if (bandwidth !== undefined) return `${path} at ${formatRatio(bandwidth)} of its bandwidth ${when}`;
  if (lanes !== undefined) return `${path} without ${lanes === -1 ? 'one of its lanes' : `${-lanes} of its lanes`} ${when}`;
  if (cpu !== undefined) return `the CPU at ${formatRatio(cpu)} of its speed ${when}`;
  const who = gpus === 1 ? 'the GPU' : gpu === undefined ? 'every GPU' : `GPU ${gpu}`;
  return `${who} without ${formatBytes(gpuMemory!)} of its memory ${when}`;
}

/** `at=2s,link=h2d,bandwidth=50%`, unchecked. @throws UserError for a part without `key=value` */
export function splitFault(text: string): Record<string, string | number> {
  const fault = new Map<string, string | number>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(0, equals)).trim();
    const value = part.slice(equals + 1).trim();
    if (key === '' || value === '')
      throw new UserError(`--fault: ${JSON.stringify(part)} is not key=value; write e.g. at=2s,link=h2d,bandwidth=50%`);
    if ((key === 'at' || key === 'until') && Number(value) > 0)
      throw new UserError(`--fault: ${key}=${value} has no unit; write ${key}=${value}s or ${key}=${value}ms`);
    if (fault.has(key)) throw new UserError(`--fault: ${key} is given twice; say it once`);
    fault.set(key, (key === 'lanes' || key === 'gpu') && /^-?\d+$/.test(value) ? Number(value) : value);
  }
  return Object.fromEntries(fault);
}
