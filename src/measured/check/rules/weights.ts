/** Weight of each cause, 0 to 1, ours, in five classes by evidence. Within one, what slows a run down more, or less else explains, is higher. */
export const WEIGHTS = {
  // Ours, chosen on arithmetic: bytes without room in their memory. Every token waits for the disk, or for the link.
  paging: 1,
  vramSpill: 0.95,
  // Ours, chosen on what the log itself shows, by a setting or by other runs of the same settings.
  socketsOff: 0.9,
  coldStart: 0.9,
  thermal: 0.85,
  powerLimit: 0.8,
  // Ours, chosen on settings that cost something on every machine, how much is unknown: one that is there, above one that is missing.
  layerSplit: 0.7,
  socketsUnsaid: 0.65,
  // Ours, chosen on speed alone: the run is as slow as the cause would make it, to a half or a quarter.
  memoryChannels: 0.6,
  pcieLanes: 0.6,
  cpuPrompt: 0.55,
  pageableCopies: 0.5,
  // Ours, chosen last: true of the run, and no reason to be slow. Another amount of work, and time that the expectation includes.
  lossyRouting: 0.4,
  overhead: 0.3,
} as const;
