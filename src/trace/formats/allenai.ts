import { UserError } from '../../base/errors.js';
import { type ChoiceArray, choiceFormat, nested } from './choice-array.js';
import { arrayAt, documents } from './json-values.js';

/** allenai's OLMoE analysis results: a JSON line per text with exp_ids [tokens][top-k][layers], teacher-forced. */
export const allenai = choiceFormat({
  name: 'allenai',
  detect: ({ text }) => /^\s*\{"input_ids"\s*:/.test(text) || /"exp_ids"\s*:/.test(text),
  *requests(source) {
    for (const { value, place } of documents(source)) {
      const array = nested(arrayAt(value, 'exp_ids', place), `${place}: exp_ids`)!;
      const tokenIds = arrayAt(value, 'input_ids', place);
      if (tokenIds.length !== array.tokens || !tokenIds.every(Number.isInteger))
        throw new UserError(`${place}: ${tokenIds.length} input_ids for ${array.tokens} rows of exp_ids; each row needs one`);
      yield { arrays: [turned(array)], prompt: null, tokenIds: tokenIds as number[] };
    }
  },
});

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
