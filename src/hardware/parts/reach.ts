/**
 * Share of a sheet's bandwidth that plain reads reach, GB/s. Card: 514 of 600 (A10). Host: 152 of 204.8 (Xeon 8358), 237 of 307
 * (Threadripper 7965WX), 720 of 922 (2 x EPYC 9355). Home: 29.1 of 44.8 (i5-12400F), 13.3 of 21.3, 23.8 of 42.7 (i9-10900).
 */
const READ_SHARE = { gpu: 0.86, host: 0.77, home: 0.61 } as const;

/** Share of the wire rate of PCIe that copies from pinned memory reach: 25.2 of 31.5 GB/s (A10). */
const PINNED_SHARE = 0.8;

/** Time until a copy starts, ns. */
export const COPY_START = 10e3;

/** An NVMe drive: ns until the first byte of a read, and reads at a time, since one reader alone does not saturate it. */
export const READ = { latency: 80e3, lanes: 2 } as const;

/** Assumed between sockets: UPI or Infinity Fabric after protocol overhead, bytes/s; waiting for the other costs about a microsecond, ns. */
export const SOCKETS = { bandwidth: 60e9, latency: 1e3 } as const;

/** Rate of the data sheet of a memory that was measured, since runtimes speak of data sheets. Bytes/s both. */
export const sheetRate = (measured: number, memory: keyof typeof READ_SHARE): number => measured / READ_SHARE[memory];

/** Bytes/s of copies from pinned memory over a link of a given raw rate. */
export const pinnedRate = (wires: number): number => wires * PINNED_SHARE;
