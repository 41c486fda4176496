/** Knowledge of a run beyond any real system (L17), from least to most. */
export const KNOWLEDGE = ['nothing', 'recorded', 'published', 'future'] as const;

/**
 * `recorded`: look-ahead of the trace; `published`: the truth, degraded to a published accuracy; `future`: the truth.
 */
type Knowledge = (typeof KNOWLEDGE)[number];

/** Knowledge of a part beyond the past. */
export interface Known {
  readonly knows: Knowledge;
  /** Recall and precision of a stand-in, one layer ahead. */
  readonly recall?: number;
  readonly precision?: number;
  /** Publication of these figures. */
  readonly source?: string;
}

/** Part with knowledge of the future. */
export interface KnowingPart extends Known {
  /** Field of the system: `predictor`, `cache.policy`, `scheduler` ... */
  readonly part: string;
  readonly name: string;
}

/** Parts with knowledge of the future, most first. */
export interface RunKnowledge {
  readonly most: Knowledge;
  readonly parts: readonly KnowingPart[];
}

interface Knowing {
  readonly knowledge?: RunKnowledge;
}

/** Sums up the knowledge of a run's parts. */
export function knowledgeOfParts(parts: readonly KnowingPart[]): RunKnowledge {
  const knowing = parts.filter(({ knows }) => knows !== 'nothing').sort((a, b) => KNOWLEDGE.indexOf(b.knows) - KNOWLEDGE.indexOf(a.knows));
  return { most: knowing[0]?.knows ?? 'nothing', parts: knowing };
}

/** Different knowledge of two runs. */
export interface KnowledgeGap {
  readonly base: Knowledge;
  readonly candidate: Knowledge;
}

/** Compares two runs' knowledge by part and accuracy; null: equal or unstated. */
export function knowledgeGap(base: Knowing, candidate: Knowing): KnowledgeGap | null {
  const [before, after] = [base.knowledge, candidate.knowledge];
  if (before === undefined || after === undefined) return null;
  const keys = ({ parts }: RunKnowledge): string[] =>
    parts.map(({ knows, part, precision, recall }) => `${part} ${knows} ${recall} ${precision}`).sort();
  return keys(before).join() === keys(after).join() ? null : { base: before.most, candidate: after.most };
}

/** Table mark of a run with knowledge beyond any system, or null. */
export function markOf({ knowledge }: Knowing): string | null {
  const part = knowledge?.parts[0];
  return part === undefined ? null : markOfPart(part);
}

function markOfPart({ knows, recall }: Known): string {
  if (knows === 'future') return 'sees the future';
  return knows === 'published' ? `stand-in: published recall ${shareText(recall)}` : 'recorded look-ahead';
}

/** {@link markOf} with parts, in one line, or null. */
export function knowledgeText({ knowledge }: Knowing): string | null {
  if (knowledge === undefined || knowledge.parts.length === 0) return null;
  return knowledge.parts
    .map((part) => {
      const { knows, name, part: field, precision, source } = part;
      const of = knows === 'published' ? `, precision ${shareText(precision)}${source === undefined ? '' : ` of ${source}`}` : '';
      return `${markOfPart(part)}${of} (${field} ${name})`;
    })
    .join('; ');
}

/** `.84`, `.9715`, `1`; `?` if unknown. */
const shareText = (share: number | undefined): string =>
  share === undefined ? '?' : String(Math.round(share * 1e4) / 1e4).replace(/^0\./, '.');
