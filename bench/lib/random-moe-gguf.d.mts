/** A model of random weights, as {@link writeRandomMoe} writes it. */
export interface RandomMoe {
  readonly architecture: 'qwen3moe' | 'llama' | 'gpt-oss' | 'deepseek2';
  readonly layers: number;
  readonly hidden: number;
  readonly experts: number;
  readonly topK: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly format: string;
}
export function writeRandomMoe(path: string, model: RandomMoe): number;
