import { sum } from '../../base/statistics.js';
import { runtimeFrom } from '../kind/runtime.js';

/** GB left free on a card: experts take 21.9 of 24 (issue 1183), 14.2 of 16.6 (605), 13.6 of 16 (214). */
const LEFT_ON_CARD = 2.3;

/** The next layer's gate on the current layer's state: 71.6 to 74.2 % of the experts right on three machines (issue 200). */
const NEXT_GATE = { kind: 'gate', recall: 0.736, source: 'github.com/JustVugg/colibri/issues/200', horizon: 1, correction: 'on' };

/** colibri: reads experts from an SSD. By default it drafts, the GPU holds only experts, and reads precede computing. */
export const colibriRuntime = runtimeFrom({
  name: 'colibri',
  streaming: {
    // CPU runs draft 3 tokens (colibri's docs on backends); median acceptance of eleven published runs: 43 % (issues
    // 12, 93, 113, 136, 216, 280, 298 and 436, and colibri's benchmark table; 20 to 73 %).
    drafts: { draft: 3, acceptance: 0.43 },
    expertsOnCards(note, cards) {
      const noted = /GPU expert tier of (?:(\d+(?:\.\d+)?) GB|the size the engine chose)/.exec(note);
      if (noted === null) return 0;
      return noted[1] === undefined ? sum(cards.map((gb) => Math.max(0, gb - LEFT_ON_CARD))) : Number(noted[1]);
    },
    denseOnGpu: (flags) => /\bCUDA_DENSE=1\b/.test(flags),
    readsAhead: (flags) => /\b(?:PIPE|URING)=1\b/.test(flags),
    looksAhead: (flags) => (/\bPILOT_REAL=1\b/.test(flags) ? NEXT_GATE : null),
  },
});
