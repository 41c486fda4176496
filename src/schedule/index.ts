// A new member is a file here and a line below.
import { choose, findNamed } from '../base/parameters.js';
import { moduleChoice, type OwnChoice } from '../base/user-module.js';
import { cacheAffinity } from './cache-affinity.js';
import { expertflow } from './expertflow.js';
import { fcfs, staticBatch } from './fcfs.js';
import { decodeFirst, prefillFirst } from './phase-first.js';
import { readMe } from './read-me.js';
import type { SchedulerDefinition } from './scheduler.js';
import { shortestFirst } from './shortest-first.js';

/** All schedulers, in listing order. */
export const SCHEDULERS: readonly SchedulerDefinition[] = [
  fcfs,
  staticBatch,
  shortestFirst,
  prefillFirst,
  decodeFirst,
  expertflow,
  readMe,
  cacheAffinity,
];

/** @throws UserError with the nearest name */
export const findScheduler = (name: string): SchedulerDefinition => findNamed('scheduler', SCHEDULERS, name);

/** A user's choice: a member of the family or a user's module. */
export type SchedulerChoice = OwnChoice<SchedulerDefinition>;

/**
 * Parses `fcfs`, `cache-affinity:batches=4`, `./mine.mjs:patience=8`. @param beside more parameters @throws UserError
 */
export const parseScheduler = (text: string, beside: Readonly<Record<string, unknown>> = {}): SchedulerChoice =>
  moduleChoice('scheduler', text, beside) ?? choose('scheduler', text, beside, findScheduler);
