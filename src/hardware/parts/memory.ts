const TYPES: readonly string[] = ['ddr3', 'ddr4', 'ddr5', 'mrdimm', 'lpddr4x', 'lpddr5', 'lpddr5x'];

/** Memory of a socket. */
export interface MemorySlots {
  /** ddr4, ddr5, lpddr5x ... */
  readonly type: string;
  /** Million transfers/s. */
  readonly mts: number;
  readonly channels: number;
}

/** Memory of a machine; channels of all sockets. */
export interface MemoryPart extends MemorySlots {
  readonly bytes?: number;
  /** Measured bytes/s (STREAM-like). */
  readonly measuredBandwidth?: number;
}

/** Data-sheet bytes/s: transfers/s x bytes per channel x channels. */
export function memoryRate({ channels, mts, type }: MemorySlots): number {
  return mts * 1e6 * (type.startsWith('lpddr') ? 4 : 8) * channels;
}

interface MemoryText extends Omit<MemorySlots, 'channels'> {
  readonly channels?: number;
}

/** `2xddr5-6000` or `ddr5-6000`; null if malformed. */
export function parseMemory(text: string): MemoryText | null {
  const match = /^(?:(\d{1,3})\s*x\s*)?([a-z]+\d?x?)[\s-]+(\d{3,5})$/i.exec(text.trim());
  if (match === null) return null;
  const type = match[2]!.toLowerCase();
  const channels = match[1] === undefined ? undefined : Number(match[1]);
  return TYPES.includes(type) && channels !== 0 ? { type, mts: Number(match[3]), channels } : null;
}

/** Inverse of {@link parseMemory}: `2xddr5-6000`. */
export const memoryText = ({ channels, mts, type }: MemorySlots): string => `${channels}x${type}-${mts}`;
