import { listProfiles } from '../base/profiles.js';
import { CPUS, GPUS } from '../hardware/door.js';
import { QUANTIZATIONS } from '../model/door.js';
import { ADVISED } from '../runtime/door.js';

type Choice = readonly [name: string, note: string];

/** All options, in file or alphabetical order. */
export interface PlayCatalogue {
  readonly models: readonly Choice[];
  readonly gpus: readonly Choice[];
  readonly cpus: readonly Choice[];
  readonly runtimes: readonly Choice[];
  readonly quantizations: readonly Choice[];
}

const plain = (names: readonly string[]): Choice[] => names.map((name) => [name, '']);

/** All parts, in about the time of an answer. */
export function playCatalogue(): PlayCatalogue {
  return {
    models: plain(listProfiles('models').filter((name) => !name.startsWith('mini-'))),
    gpus: GPUS.parts.map(({ memoryBytes, name, unified }) => [name, unified === true ? 'one memory' : `${memoryBytes / 2 ** 30} GB`]),
    cpus: CPUS.parts.map(({ form, name }) => [name, form]),
    runtimes: plain(ADVISED.map(({ name }) => name)),
    quantizations: plain(QUANTIZATIONS.map(({ name }) => name)),
  };
}
