// A new member is a file here and a line below.
import { type Choice, choose, findNamed } from '../../base/parameters.js';
import { even } from './even.js';
import type { PlacementDefinition } from './placement.js';
import { byPopularity, replicated } from './popularity.js';

/** All placements in listing order, default first. */
export const PLACEMENTS: readonly PlacementDefinition[] = [even, byPopularity, replicated];

/** @throws UserError with the nearest name */
export const findPlacement = (name: string): PlacementDefinition => findNamed('placement', PLACEMENTS, name);

/** Parses `even`, `replicated:hottest=4`. @param beside more parameters @throws UserError */
export const parsePlacement = (text: string, beside: Readonly<Record<string, unknown>> = {}): Choice =>
  choose('placement', text, beside, findPlacement);
