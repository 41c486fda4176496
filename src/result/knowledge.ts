// Knowledge of a run that no real system has (L17): look-ahead in a recording, the truth spoiled to a published accuracy, or the future.

/** From the least to the most. */
export const KNOWLEDGE = ['nothing', 'recorded', 'published', 'future'] as const;

/** `nothing` but what has happened; `recorded` look-ahead of the trace; `published`: the truth, spoiled as published; `future`: the truth. */
type Knowledge = (typeof KNOWLEDGE)[number];

/** A part's knowledge beyond what has happened. */
export interface Known {
  readonly knows: Knowledge;
  /** Recall and precision of a stand-in, one layer ahead. */
  readonly recall?: number;
  readonly precision?: number;
  /** Their publication. */
  readonly source?: string;
}

/** A part with knowledge of the future. */
export interface KnowingPart extends Known {
  /** Field of the system: `predictor`, `cache.policy`, `scheduler` ... */
  readonly part: string;
  /** As the system names it, e.g. `gate`. */
  readonly name: string;
}

/** A run's knowledge: all parts with knowledge of the future, those with most first. */
export interface RunKnowledge {
  readonly most: Knowledge;
  readonly parts: readonly KnowingPart[];
}

/** A result that may state its knowledge. */
interface Knowing {
  readonly knowledge?: RunKnowledge;
}

/** Sums up the knowledge of the parts of a run. */
export function knowledgeOfParts(parts: readonly KnowingPart[]): RunKnowledge {
  const knowing = parts.filter(({ knows }) => knows !== 'nothing').sort((a, b) => KNOWLEDGE.indexOf(b.knows) - KNOWLEDGE.indexOf(a.knows));
  return { most: knowing[0]?.knows ?? 'nothing', parts: knowing };
}

/** The knowledge of two runs, if it differs. */
export interface KnowledgeGap {
  readonly base: Knowledge;
  readonly candidate: Knowledge;
}

/** Compares the knowledge of two runs, part by part, and how good their stand-ins are; null: it is the same, or one of them does not state it. */
export function knowledgeGap(base: Knowing, candidate: Knowing): KnowledgeGap | null {
  const [before, after] = [base.knowledge, candidate.knowledge];
  if (before === undefined || after === undefined) return null;
  const keys = ({ parts }: RunKnowledge): string[] =>
    parts.map(({ knows, part, precision, recall }) => `${part} ${knows} ${recall} ${precision}`).sort();
  return keys(before).join() === keys(after).join() ? null : { base: before.most, candidate: after.most };
}

/** The mark of a run with more knowledge than a system can have, for tables; null: it has none of the future. */
export function markOf({ knowledge }: Knowing): string | null {
  const part = knowledge?.parts[0];
  return part === undefined ? null : markOfPart(part);
}

function markOfPart({ knows, recall }: Known): string {
  if (knows === 'future') return 'sees the future';
  return knows === 'published' ? `stand-in: published recall ${shareText(recall)}` : 'recorded look-ahead';
}

/** The same with its parts, in one line; null: none of the future. */
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

/** `.84`, `.9715`, `1`; `?` if it is unknown. */
const shareText = (share: number | undefined): string =>
  share === undefined ? '?' : String(Math.round(share * 1e4) / 1e4).replace(/^0\./, '.');
