import { capital } from '../../base/text.js';
import { formatCounted } from '../../base/units.js';
import { PHASE, type TraceChunk } from '../trace.js';
import { isEmpty } from './cached-prefix.js';
import { type AuditCheck, layerList } from './check.js';

/** llama.cpp routes only a prompt's last token at the last layer; other layers with fewer rows lost some. */
export const raggedLayers: AuditCheck = {
  code: 'ragged-layers',
  summary: 'layers with fewer rows than others (last layer of llama.cpp prompts)',
  start({ trace }) {
    const { layers, topK } = trace;
    const empty = [new Float64Array(layers), new Float64Array(layers)] as const;
    let [first, prompts] = [-1, 0];
    return {
      rows(chunk: TraceChunk, start: number): void {
        const { experts } = chunk;
        let at = 0;
        for (let row = 0; row < chunk.tokens; row++) {
          const isPrompt = chunk.phase[row] === PHASE.prefill;
          if (isPrompt) prompts++;
          const counts = empty[isPrompt ? 0 : 1];
          for (let layer = 0; layer < layers; layer++, at += topK) {
            if (!isEmpty(experts, at, topK)) continue;
            counts[layer]! += 1;
            if (first < 0 && layer > 0) first = start + row;
          }
        }
      },
      finish() {
        const [prompt, decode] = empty;
        const total = Array.from(prompt, (rows, layer) => rows + decode[layer]!);
        const least = Math.min(...total);
        const ragged = total.flatMap((rows, layer) => (rows > least && rows < trace.tokens ? [layer] : []));
        if (ragged.length === 0) return null;
        const rows = Math.max(...ragged.map((layer) => total[layer]! - least));
        const last = layers - 1;
        const asLlama = ragged.length === 1 && ragged[0] === last && Math.min(...decode) === decode[last] && 2 * prompt[last]! >= prompts;
        if (asLlama)
          return {
            level: 'note',
            what: `The last layer has no choices in ${formatCounted(rows, 'prompt row')}: llama.cpp routes only the last token of a prompt there.`,
            effect:
              'None on decoding. In prompts the last layer demands fewer experts than in engines that route every token at every layer.',
            fix: 'Nothing to mend if the run is about llama.cpp; for other engines record with one of them.',
            rows: { count: rows, first },
          };
        return {
          what: `${capital(layerList(ragged))} of ${layers} have no choices in up to ${formatCounted(rows, 'row')} that other layers have choices in.`,
          effect: 'Those layers demand less than they did: transfers and their part of the latency come out too low.',
          fix: 'Record again; if some layers were skipped on purpose, keep those that are whole with moeprof trace convert FILE --layers A..B.',
          rows: { count: rows, first },
        };
      },
    };
  },
};
