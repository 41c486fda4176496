/**
 * Share of data-sheet bandwidth reached by plain reads, GB/s. Card: 514 of 600 (A10). Host: 152 of 204.8 (Xeon 8358),
 * 237 of 307 (Threadripper 7965WX), 720 of 922 (2 x EPYC 9355). Home: 29.1 of 44.8 (i5-12400F), 13.3 of 21.3, 23.8 of
 * 42.7 (i9-10900).
 */
const READ_SHARE = { gpu: 0.86, host: 0.77, home: 0.61 } as const;

/** Share of PCIe wire rate reached by pinned copies: 25.2 of 31.5 GB/s (A10). */
const PINNED_SHARE = 0.8;

/** Start time of a copy, ns; assumed. */
export const COPY_START = 10e3;

/** NVMe drive: ns until the first byte, and parallel reads (a single reader does not saturate the drive). */
export const READ = { latency: 80e3, lanes: 2 } as const;

/**
 * Assumed socket link: UPI or Infinity Fabric after protocol overhead, bytes/s; waiting costs about a microsecond, ns.
 */
export const SOCKETS = { bandwidth: 60e9, latency: 1e3 } as const;

/** Data-sheet bytes/s of a measured memory, as runtimes state shares of data sheets. */
export const sheetRate = (measured: number, memory: keyof typeof READ_SHARE): number => measured / READ_SHARE[memory];

/** Bytes/s of pinned copies over a link with a wire rate. */
export const pinnedRate = (wires: number): number => wires * PINNED_SHARE;
