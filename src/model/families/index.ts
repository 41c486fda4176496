import { deepseek, deepseekV2, deepseekV3, ernie, glm4 } from './deepseek.js';
import { deepseekV4 } from './deepseek-v4.js';
import { nllb, switchTransformers } from './encoder-decoder.js';
import type { Family } from './family.js';
import { gemma4 } from './gemma4.js';
import { hunyuan } from './hunyuan.js';
import { granite, jamba, lfm2, minimax } from './hybrid.js';
import { llama4 } from './llama4.js';
import { longcat } from './longcat.js';
import { dbrx, gptOss, grok, minimaxM2, mixtral, olmoe, phimoe } from './mixtral.js';
import { nemotron } from './nemotron.js';
import { qwen2, qwen3, qwen3Next } from './qwen.js';
import { afmoe, bailing, step } from './usual.js';

/** A new family is a file and an entry. */
export const FAMILIES: readonly Family[] = [
  mixtral,
  qwen2,
  qwen3,
  qwen3Next,
  deepseek,
  deepseekV2,
  deepseekV3,
  deepseekV4,
  glm4,
  gptOss,
  olmoe,
  phimoe,
  granite,
  llama4,
  dbrx,
  grok,
  jamba,
  ernie,
  hunyuan,
  minimax,
  minimaxM2,
  gemma4,
  nemotron,
  lfm2,
  bailing,
  longcat,
  step,
  afmoe,
  switchTransformers,
  nllb,
];
