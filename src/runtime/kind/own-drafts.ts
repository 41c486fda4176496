import type { ModelSpec } from '../../model/door.js';

/** Drafts by a model's own layers (multi-token prediction, MTP), as a runtime has them. */
export interface OwnDrafts {
  /** Source and date of the list. */
  readonly read: string;
  /** True: for one conversation at a time. */
  readonly alone?: true;
  /** Evidence, and the architectures (GGUF or config.json) with drafts. */
  readonly has: Readonly<Record<string, readonly string[]>>;
  /** The same of work that is open or was closed. */
  readonly lacks: Readonly<Record<string, readonly string[]>>;
}

/** A runtime of which no such drafts are known. */
export const NO_OWN_DRAFTS: OwnDrafts = { read: '', has: {}, lacks: {} };

/** Candidate draft lengths, from published runs; longer drafts of a single layer lose. */
const DRAFTS = [1, 2, 3];

/** Evidence for a model's architecture, or null. */
export const evidenceFor = (evidence: OwnDrafts['has'], { architecture = '' }: ModelSpec): string | null =>
  Object.entries(evidence).find(([, architectures]) => architectures.includes(architecture))?.[0] ?? null;

/** Empty: the model or the runtime has no drafts. */
export const draftLengths = (drafting: OwnDrafts, model: ModelSpec, users: number): readonly number[] =>
  (model.nextLayers ?? 0) > 0 && evidenceFor(drafting.has, model) !== null && (users === 1 || !drafting.alone) ? DRAFTS : [];

/** Reason why a runtime drafts nothing by a model's own layers. */
export function lackOfDrafts(name: string, drafting: OwnDrafts, model: ModelSpec): string {
  if (model.nextLayers === 0) return `${model.name} has no layers of its own that draft (multi-token prediction)`;
  if (model.nextLayers === undefined) return `our profile of ${model.name} has a gap: whether it has layers that draft is not in it`;
  const open = evidenceFor(drafting.lacks, model);
  if (open !== null) return `${name} has no drafts by the layers of ${model.name} yet (${open})`;
  if (evidenceFor(drafting.has, model) !== null) return `${name} drafts for one conversation at a time`;
  return `nothing says that ${name} drafts by the layers of ${model.name}${drafting.read === '' ? '' : ` (${drafting.read})`}`;
}

/** Architectures under one name, of GGUF files and of config.json. */
export const WITH_DRAFTS = {
  qwen35: ['qwen35moe', 'qwen3_5_moe', 'qwen3_5_moe_text'],
  qwenNext: ['qwen3next', 'qwen3_next'],
  qwen38: ['qwen4exp', 'qwen3_8_flash_next'],
  glm4: ['glm4moe', 'glm4_moe', 'glm4v_moe_text'],
  glm5: ['glm-dsa', 'glm_moe_dsa'],
  glm5Next: ['glm5next', 'glm5_next'],
  step: ['step35', 'step3p5', 'step3p7'],
  mimo: ['mimo2', 'mimo_v2', 'mimo_v2_flash'],
  nemotron: ['nemotron_h_moe', 'nemotron_h'],
  ling3: ['bailingmoe3', 'bailing_hybrid'],
} as const;
