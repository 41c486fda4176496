/**
 * Weight of each cause, 0 to 1, ours, by evidence. Within a class, stronger slowdown or fewer alternatives weigh more.
 */
export const WEIGHTS = {
  // Ours, by arithmetic: bytes exceed their memory.
  paging: 1,
  vramSpill: 0.95,
  // Ours, by evidence in the log.
  socketsOff: 0.9,
  coldStart: 0.9,
  thermal: 0.85,
  powerLimit: 0.8,
  expertCache: 0.75,
  // Ours: a present setting above a missing setting.
  threadsAbove: 0.75,
  uncounted: 0.72,
  layerSplit: 0.7,
  threadsAll: 0.68,
  socketsUnsaid: 0.65,
  // Ours, by speed alone: as slow as the cause implies, to a half or a quarter.
  memoryChannels: 0.6,
  pcieLanes: 0.6,
  cpuPrompt: 0.55,
  pageableCopies: 0.5,
  // Ours, last: true of the run, but no reason to be slow.
  lossyRouting: 0.4,
  overhead: 0.3,
  // Ours: a question, asked before any cause.
  mistaken: 0.2,
} as const;
