// Models that sweeps of advice are made of: dense attention and latent, few experts and many, 4 bits from training on.
export const MODELS = [
  'gpt-oss-20b',
  'gpt-oss-120b',
  'qwen3-30b-a3b',
  'qwen3-235b-a22b',
  'mixtral-8x7b',
  'glm-4.5-air',
  'deepseek-v2-lite',
  'qwen3-next-80b-a3b',
];
