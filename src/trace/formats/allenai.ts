// allenai's OLMoE analysis results: one JSON line per text with exp_ids [tokens][top-k][layers], teacher-forced.
import { UserError } from '../../base/errors.js';
import type { TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';
import { type ChoiceArray, ChoiceImporter } from './choice-array.js';
import type { OpenOptions, TraceFormat } from './format.js';
import { arrayAt, documents } from './json-values.js';
import { nested } from './vllm.js';

/** JSON lines of allenai's routing analysis. */
export const allenai: TraceFormat = {
  name: 'allenai',
  summary: '{"input_ids":[…],"exp_ids":[tokens][top-k][layers]}, one text a line',
  engines: 'allenai/OLMoE',
  turnOn: 'its routing analysis scripts',
  detect: ({ text }) => /^\s*\{"input_ids"\s*:/.test(text) || /"exp_ids"\s*:/.test(text),
  open,
};

function open(source: TraceSource, options: OpenOptions): RoutingTrace {
  const importer = new ChoiceImporter(source, options, { format: 'allenai' });
  try {
    for (const { value, place } of documents(source)) {
      const array = nested(arrayAt(value, 'exp_ids', place), `${place}: exp_ids`)!;
      const tokenIds = arrayAt(value, 'input_ids', place);
      if (tokenIds.length !== array.tokens || !tokenIds.every(Number.isInteger)) {
        throw new UserError(`${place}: ${tokenIds.length} input_ids for ${array.tokens} rows of exp_ids; each row needs one`);
      }
      importer.add({ arrays: [turned(array)], prompt: null, tokenIds: tokenIds as number[] });
    }
    return importer.finish();
  } catch (error) {
    importer.close();
    throw error;
  }
}

/** [tokens, top-k, layers] as [tokens, layers, top-k]. */
function turned({ tokens, layers: topK, topK: layers, ids, place }: ChoiceArray): ChoiceArray {
  const out = new Float64Array(tokens * layers * topK);
  let at = 0;
  for (let token = 0; token < tokens; token++) {
    for (let layer = 0; layer < layers; layer++) {
      for (let k = 0; k < topK; k++) out[at++] = ids[(token * topK + k) * layers + layer]!;
    }
  }
  return { tokens, layers, topK, ids: out, place };
}
