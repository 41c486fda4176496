import { UserError } from '../../base/errors.js';
import type { TraceSource } from '../source.js';
import { Cell } from './cell.js';
import { cellFormat } from './cells.js';
import { arrayAt, documents, type JsonObject, objectAt, wholeAt } from './json-values.js';
import { choices, integerAt, phaseOf } from './record-lines.js';

/** Number of the first decoder layer, above encoder layers. */
const DECODER = 2048;

const FIELDS = { experts: 'selected_experts', weights: 'selected_probabilities' } as const;

/** moe-cache-lab's traces: metadata, then a line per token and layer; version 2 adds encoder layers, first. */
export const moeCacheLab = cellFormat({
  name: 'moe-cache-lab',
  detect: ({ text }) => /^\s*\{[^\n]*"moe-cache-lab\.routing-jsonl"/.test(text),
  cells(source) {
    const { version, model, experts, notes } = metadataOf(source);
    return {
      ...(experts === null ? {} : { experts }),
      meta: { model, notes },
      walk(visit, at) {
        const cell = new Cell();
        /** Source tokens so far; decoder tokens follow. */
        let sources = 0;
        let first = true;
        for (const { value, place } of documents(source)) {
          at.place = () => place;
          if (first) {
            first = false;
            continue;
          }
          if (value.record_type !== 'routing_selection')
            throw new UserError(
              `${place}: record_type is ${JSON.stringify(value.record_type)}; after the first line all are routing_selection`,
            );
          const layer = integerAt(value, 'layer', place);
          const position = integerAt(value, 'token_position', place);
          const decoder = version === 2 && stageOf(value, place) === 'decoder';
          if (version === 2 && !decoder) sources = Math.max(sources, position + 1);
          if (version === 2 && layer >= DECODER) throw new UserError(`${place}: layer ${layer} is not a layer number`);
          cell.layer = decoder ? DECODER + layer : layer;
          cell.token = decoder ? sources + position : position;
          cell.phase = phaseOf(value.phase, place);
          cell.tokenId = wholeAt(value, 'token_id', place) ?? -1;
          choices(cell, value, FIELDS, place);
          visit(cell);
        }
      },
    };
  },
});

/** First line: version, model, experts by layer number (null: unknown), notes. */
function metadataOf(source: TraceSource) {
  for (const { value, place } of documents(source)) {
    if (value.record_type !== 'metadata') throw new UserError(`${place}: the first line is not the metadata record`);
    const { format_version: version, model_id: model } = value;
    if (version !== 1 && version !== 2)
      throw new UserError(`${place}: format_version is ${JSON.stringify(version)}; versions 1 and 2 are read`);
    const notes = Object.fromEntries(
      (['capture_method', 'created_at', 'model_revision'] as const).flatMap((key) => {
        const note = value[key];
        return typeof note === 'string' ? [[key, note]] : [];
      }),
    );
    return {
      version,
      model: typeof model === 'string' ? model : null,
      experts: version === 1 ? wholeAt(value, 'num_experts', place) : stageExperts(value, place),
      notes,
    };
  }
  throw new UserError(`${source.path}: holds no record; the trace is empty`);
}

function stageExperts(value: JsonObject, place: string): (layer: number) => number {
  const experts = new Map<string, number>();
  for (const entry of arrayAt(value, 'routing_stages', place)) {
    const stage = objectAt(entry, `${place}: routing_stages`);
    experts.set(stageOf(stage, place), integerAt(stage, 'num_experts', place));
  }
  return (layer) => {
    const stage = layer >= DECODER ? 'decoder' : 'encoder';
    const count = experts.get(stage);
    if (count === undefined) throw new UserError(`${place}: routing_stages has no ${stage}, but a selection names it`);
    return count;
  };
}

function stageOf(value: JsonObject, place: string): 'encoder' | 'decoder' {
  const { routing_stage: stage } = value;
  if (stage === 'encoder' || stage === 'decoder') return stage;
  throw new UserError(`${place}: routing_stage is ${JSON.stringify(stage)}; it is encoder or decoder`);
}
