// The family of placements. A new one is a file in this folder and a line here.
import { type Choice, choose, findNamed } from '../../base/parameters.js';
import { even } from './even.js';
import type { PlacementDefinition } from './placement.js';
import { byPopularity, replicated } from './popularity.js';

/** All placements, in the order in which they are listed; the first is the default. */
export const PLACEMENTS: readonly PlacementDefinition[] = [even, byPopularity, replicated];

/** Finds a placement by name. @throws UserError with the nearest name */
export const findPlacement = (name: string): PlacementDefinition => findNamed('placement', PLACEMENTS, name);

/** Reads a placement: `even`, `replicated:hottest=4`. @param beside more parameters, which those win over @throws UserError */
export const parsePlacement = (text: string, beside: Readonly<Record<string, unknown>> = {}): Choice =>
  choose('placement', text, beside, findPlacement);
