// Reference for what runs: the passes of a scenario, drafted and verified where it drafts, and what each demands at a layer.
import { Random } from '../../src/base/random.js';
import type { SpeculationSpec } from '../../src/schedule/speculation.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import type { Scenario, TokenChoices } from './scenario.js';

/** What a token chose at a layer, by dense id, in rank order. */
export function choicesOf({ model }: Pick<Scenario, 'model'>, token: TokenChoices, layer: number): number[] {
  return token[layer]!.filter((expert) => expert !== NULL_EXPERT).map((expert) => model.layers[layer]!.offset + expert);
}

/** What each event of a pass at a layer demands: one event (L1), or one for each activation (L7). */
export function eventsOf(scenario: Scenario, tokens: readonly TokenChoices[], layer: number): number[][] {
  const choices = tokens.flatMap((token) => choicesOf(scenario, token, layer));
  if (scenario.replay === 'sequential') return choices.map((id) => [id]);
  return choices.length === 0 ? [] : [choices];
}

/** A distinct expert that an event demands, and what the tokens of its pass that chose it say of it. */
export interface Demanded {
  readonly id: number;
  readonly count: number;
  /** Share of its token's choices that are better ranked, the smallest over tokens. */
  readonly share: number;
  /** Its place among its token's choices, counted from the last, the largest over tokens. */
  readonly place: number;
  /** Shares of its bytes that these tokens are content with. */
  readonly contents: readonly number[];
}

/** L1, L3: distinct experts of an event's choices in order of last appearance. */
export function demandOf(scenario: Scenario, { contents, tokens }: Pass, layer: number, choices: number[]): Demanded[] {
  const all = tokens.map((token) => choicesOf(scenario, token, layer));
  const distinct = [...new Set(choices)].sort((a, b) => choices.lastIndexOf(a) - choices.lastIndexOf(b));
  return distinct.map((id) => {
    const rows = all.filter((row) => row.includes(id));
    return {
      id,
      count: choices.filter((other) => other === id).length,
      share: Math.min(...rows.map((row) => Math.fround(row.indexOf(id) / row.length))),
      place: Math.max(...rows.map((row) => row.length - row.indexOf(id))),
      contents: contents.filter((_, token) => all[token]!.includes(id)),
    };
  });
}

export type Pass = ReturnType<typeof passesOf>[number];

/** The tokens of each pass, what drafting them takes before it, in so many steps, and what each is content with. */
export function passesOf({ contents = [], passes, speculation }: Scenario) {
  const left = [...contents];
  const plain = passes.map((tokens) => ({ tokens, draftNs: 0, steps: tokens.length - 1 }));
  const all = speculation === undefined ? plain : verify(passes.flat(), speculation);
  return all.map((pass, i) => ({ ...pass, number: i + 1, contents: left.splice(0, pass.tokens.length) }));
}

/** The passes of a request of `rows` generated tokens that drafts and verifies. */
function verify(rows: readonly TokenChoices[], { acceptances, draft, drafterNs, rollback }: SpeculationSpec) {
  const shift = new Random(1, 'speculation/0').next();
  const passes = [];
  for (let done = 0, drafts = 0; done < rows.length; ) {
    // The token that is known comes from the trace, and so does the last of the request: neither needs a draft.
    const drafted = Math.min(draft, rows.length - done - 1);
    // Between all accepted (0) and all rejected (1): the number of the draft in binary, mirrored at the point, shifted.
    const digits = drafted === 0 ? [] : [...(drafts++).toString(2)].toReversed();
    const draw = (shift + digits.reduce((sum, digit, i) => sum + Number(digit) / 2 ** (i + 1), 0)) % 1;
    const accepted = acceptances!.slice(0, drafted).filter((share) => draw < share).length;
    const kept = rows.slice(done, done + accepted + 1);
    done += kept.length;
    const rejected = Array.from({ length: drafted - accepted }, (_, i) => rows[(done + i + Math.floor(rows.length / 2)) % rows.length]!);
    passes.push({ tokens: [...kept, ...rejected], draftNs: drafted * drafterNs, steps: drafted });
    // A state that has run wrong tokens is as it was before the pass, and runs the right ones again.
    if (rollback === 'redo' && rejected.length > 0) passes.push({ tokens: kept, draftNs: 0, steps: 0 });
  }
  return passes;
}
