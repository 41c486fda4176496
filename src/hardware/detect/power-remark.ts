// The remark on a card's power limit: written when a machine is detected, and read again where a run on it is judged.
import type { SeenGpu } from './tools/seen.js';

/** Share of the usual power below which a limit is worth a remark. */
const LIMITED = 0.95;

/** A sentence on a card's power limit; none where the card may draw its rated power. */
export function powerRemarks({ names, power }: SeenGpu): string[] {
  if (power === undefined || power.limit >= LIMITED * power.usual) return [];
  return [`${names[0]} may draw ${Math.round(power.limit)} of ${Math.round(power.usual)} W: prompts are slower than its data sheet says.`];
}

/** Share of its usual power that a card may draw, by the remarks on its machine; null: no remark mentions it. */
export function powerShareOf(remarks: readonly string[]): number | null {
  const watts = remarks.map((remark) => /may draw (\d+) of (\d+) W/.exec(remark)).find((match) => match !== null);
  return watts === undefined ? null : Number(watts[1]) / Number(watts[2]);
}
