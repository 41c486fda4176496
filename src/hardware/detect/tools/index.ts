import { board } from './board.js';
import { cpuinfo } from './cpuinfo.js';
import { limits } from './limits.js';
import { lscpu } from './lscpu.js';
import { lspci } from './lspci.js';
import { nvidiaSmi } from './nvidia-smi.js';
import { rocmSmi } from './rocm-smi.js';
import { sysfsDisks } from './sysfs-disks.js';
import { sysfsGpus } from './sysfs-gpus.js';
import { systemInformation } from './system-information.js';
import type { Tool } from './tool.js';
import { udevDmi } from './udev-dmi.js';

/** All tools in order of trust: specific tools before general tools. */
export const TOOLS: readonly Tool[] = [
  nvidiaSmi,
  rocmSmi,
  sysfsGpus,
  lspci,
  lscpu,
  cpuinfo,
  udevDmi,
  limits,
  sysfsDisks,
  board,
  systemInformation,
];
