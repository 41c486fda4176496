// The family of arrival formats. A new one is a file in this folder and a line here.
import { azure, generic, llmservingsim, vidur } from './csv-formats.js';
import type { ArrivalFormat } from './format.js';
import { mooncake } from './mooncake.js';

/** All formats, in the order in which a file is tried against them. */
export const ARRIVAL_FORMATS: readonly ArrivalFormat[] = [azure, mooncake, vidur, llmservingsim, generic];
