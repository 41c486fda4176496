// The library's way to a placement: names of recordings and profiles, all else with the defaults of the command.

import { checkRun, type RunInput } from '../system/door.js';
import { findProfileFormat } from './formats/index.js';
import { answerPlacement, type ExpertPlacement, type PlaceRequest } from './place.js';

/** Wishes; absent: a quarter of the experts, as many of each layer, by counts of the first half of each recording, judged by the second. */
export interface PlaceWishes
  extends Partial<Pick<PlaceRequest, 'by' | 'holdOut' | 'inSample' | 'judged' | 'parallel' | 'slots' | 'split'>> {
  /** Engine whose file is wanted, as `--for` takes it. */
  readonly engine?: string;
}

/** A placement, and the file that the engine loads; null: none was asked for. */
export interface PlaceAnswer {
  readonly placement: ExpertPlacement;
  readonly file: string | Uint8Array | null;
}

/**
 * Which experts stay, and what that is worth on text that was not counted: `moeprof place`, and with weights `place merge`.
 * @param input a run profile; where it names a machine, the placement is priced on it
 * @param from recordings, rows of them or profiles, by name: what each counts beside the others
 * @throws UserError where something is unknown, does not fit, or a score would say nothing
 */
export async function placeFor(input: RunInput, from: Readonly<Record<string, number>>, wishes: PlaceWishes = {}): Promise<PlaceAnswer> {
  const priced = (input as { readonly hardware?: string }).hardware !== undefined;
  const engine = wishes.engine === undefined ? null : findProfileFormat(wishes.engine);
  const parts = Object.entries(from).map(([named, weight]) => ({ named, weight }));
  const usual = {
    judged: [],
    by: 'counts',
    holdOut: 0.5,
    inSample: false,
    split: 'even',
    slots: priced ? 'auto' : '25%',
    parallel: null,
  } as const;
  const request: PlaceRequest = { ...usual, ...wishes, parts, engine, priced };
  const path = `profile${engine?.extensions[0] ?? ''}`;
  const { placed, placement } = await answerPlacement(request, (more) => checkRun(input, 'place', more), {}, path);
  return { placement, file: engine === null ? null : engine.write(placed, path) };
}

/**
 * What a profile that exists is worth on a recording: `moeprof place judge`.
 * @throws UserError as {@link placeFor}
 */
export async function judgeFor(
  input: RunInput,
  profile: string,
  recordings: readonly string[],
  wishes: PlaceWishes = {},
): Promise<ExpertPlacement> {
  return (await placeFor(input, { [profile]: 1 }, { slots: 'auto', ...wishes, judged: recordings })).placement;
}
