// The weights by which causes of one run are ranked. No data gives them: causes of published runs are seldom known. All are ours, chosen on the
// kind of their evidence, in five classes, from what is arithmetic to what explains no slow run.

/** Weight of each cause, 0 to 1. Within a class, what slows a run down more stands higher. */
export const WEIGHTS = {
  // .95 to 1: bytes that cannot be where they would have to be. Ours, chosen on arithmetic: 1 where every token waits for the disk, .95 where
  // it waits for the link.
  paging: 1,
  vramSpill: 0.95,
  // .8 to .9: the log itself shows it, by a setting or by another run of the same settings. Ours, chosen on how little else explains it: a NUMA
  // setting that is off and a faster run with more context (.9), one that falls each time (.85), and a power limit, which alone slows prompts (.8).
  socketsOff: 0.9,
  coldStart: 0.9,
  thermal: 0.85,
  powerLimit: 0.8,
  // .65 to .7: a setting that costs something on every machine, how much is unknown. Ours, chosen below what the log shows to be slow: a flag that
  // is there (.7) above one that is missing (.65).
  layerSplit: 0.7,
  socketsUnsaid: 0.65,
  // .5 to .6: nothing in the log, and the run is as slow as the cause would make it. Ours, chosen on how few other causes fit: half of the channels
  // or a quarter of the lanes (.6), prompts on the CPU (.55), copies that take 1.7 times as long, near to which much else lies (.5).
  memoryChannels: 0.6,
  pcieLanes: 0.6,
  cpuPrompt: 0.55,
  pageableCopies: 0.5,
  // .3 to .4: true of the run, and no reason to be slow: another amount of work (.4), time that the expectation includes (.3). Ours, chosen last.
  lossyRouting: 0.4,
  overhead: 0.3,
} as const;
