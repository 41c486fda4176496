/** A slot as wired. */
export interface PcieLink {
  /** 1 to 6. */
  readonly generation: number;
  /** 1 to 16. */
  readonly lanes: number;
  /** Measured bytes/s of large copies to the device. */
  readonly measuredBandwidth?: number;
}

/**
 * Bytes/s per lane and direction by generation, net of line code: 8b/10b, 128b/130b, 242 of 256 bytes (PCIe 1 to 6).
 */
const LANE = [Number.NaN, 0.25e9, 0.5e9, (8e9 * 128) / 130 / 8, (16e9 * 128) / 130 / 8, (32e9 * 128) / 130 / 8, (64e9 * 242) / 256 / 8];

/** Newest PCIe generation. */
export const NEWEST_PCIE = LANE.length - 1;
/** Lanes of links (PCI Express). */
const WIDTHS = [1, 2, 4, 8, 16];

/** Wire rate in one direction, bytes/s: 31.5 GB/s for generation 4 x16. */
export const pcieRate = ({ generation, lanes }: PcieLink): number => LANE[generation]! * lanes;

/** `4x16`; null for an impossible slot. */
export function parseSlot(text: string): PcieLink | null {
  const match = /^(\d)(?:\.0)?[\s-]*x\s?(\d{1,2})$/i.exec(text.trim());
  const [generation, lanes] = [Number(match?.[1]), Number(match?.[2])];
  return generation >= 1 && generation <= NEWEST_PCIE && WIDTHS.includes(lanes) ? { generation, lanes } : null;
}

/** Inverse of {@link parseSlot}: `4x16`. */
export const slotText = ({ generation, lanes }: PcieLink): string => `${generation}x${lanes}`;
