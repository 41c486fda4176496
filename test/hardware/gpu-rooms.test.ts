import { describe, expect, it } from 'vitest';
import { gpuRooms, leastGpuRoom } from '../../src/hardware/several-gpus.js';
import { loadHardware } from '../../src/runtime/machine.js';

const GIB = 2 ** 30;
const HOST = 'ryzen-9-5950x+2xddr4-3600+64GB';

describe('what GPUs have for a model', () => {
  // 512 MiB of each are the machine's own.
  it.each([
    [`rtx-3090+${HOST}`, [23.5]],
    [`2xrtx-3090+${HOST}`, [23.5, 23.5]],
    [`rtx-3060+rtx-3090+${HOST}`, [11.5, 23.5]],
  ])('of %s is %j GiB', (machine, rooms) => {
    const hardware = loadHardware(machine);
    expect(gpuRooms(hardware).map((bytes) => bytes / GIB)).toEqual(rooms);
    expect(leastGpuRoom(hardware) / GIB).toBe(Math.min(...rooms));
  });
});
