// Readers of sound inputs with one bent value, and what lies behind them: places, prices, gates, runs and cells are made of what was read.
import { readFileSync } from 'node:fs';
import { UserError } from '../../src/base/errors.js';
import { readText } from '../../src/base/input-file.js';
import { locateYaml } from '../../src/base/yaml.js';
import type { SchemaKind } from '../../src/cli/schema.js';
import { compareAll } from '../../src/compare/gate.js';
import { simulateRun } from '../../src/engine/simulate.js';
import { pathsOf, spaceCells } from '../../src/figure/table/space.js';
import { parseMachine } from '../../src/hardware/machine.js';
import { measurementOf } from '../../src/measured/machine/timing-row.js';
import { loadModel } from '../../src/model/load/load.js';
import { judgeFor } from '../../src/place/ask.js';
import { PROFILE_FORMATS } from '../../src/place/formats/index.js';
import { linkOfQuestion, questionOf } from '../../src/play/question.js';
import { AnswerFile } from '../../src/record/answer-file.js';
import { asking, jsonValueOf, withNulls } from '../../src/record/proxy-fields.js';
import { RecordedAnswers } from '../../src/record/proxy-rows.js';
import { budgetFileSchema, budgetsOf } from '../../src/result/budget.js';
import { readTimings, timingsIn } from '../../src/runtime/timings.js';
import { loadStudy } from '../../src/study/study-file.js';
import { checkRun, loadRun } from '../../src/system/load-run.js';
import { StreamedReply } from '../../src/trace/formats/streamed-reply.js';
import { placedOf } from '../place/placed.js';
import { answerOf, EXPERTS, LAYERS, TOP_K } from '../record/servers.js';
import { sampleResult } from '../result/sample.js';
import { uniformModel } from '../trace/builders.js';
import { bending } from './bend.js';
import { readers } from './readers.js';
import type { Reader } from './tries.js';
import { filesBelow } from './written.js';

const MODEL = 'mini-mixtral-8x8l';
/** Placements of demand alone have none of their own. */
const SLOTS = { slots: '50%' };
const RUN = { model: MODEL, trace: `${MODEL}#0:16`, hardware: 't4', memory: { expertCache: '50%' } };
const served = uniformModel(LAYERS, EXPERTS, TOP_K);
const machine = parseMachine('rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB');
const text = (path: string): string => readFileSync(path, 'utf8');
const lines = (values: readonly string[]): Record<string, Uint8Array> =>
  Object.fromEntries(values.map((value) => [value, Buffer.from(value)]));

/** A kind of input: its readers are those of {@link readers}, its values are bent. Null: no schema. */
const KNOWN: Readonly<Record<string, SchemaKind | null>> = {
  model: 'model',
  'config.json': null,
  machine: 'hardware',
  'machine of parts': 'machine',
  runtime: 'runtime',
  measurements: 'measurements',
  search: 'search',
  reproduction: 'reproduction',
  result: 'result',
  'reports of a result': 'result',
  workload: null,
  remap: null,
  prompts: null,
  'cell of a queue': null,
  'result of a queue': null,
  'news of a queue': null,
  'notes of a queue': null,
  'entry of a store': null,
  'rows of a study': null,
  'entry of the hub cache': null,
};

/** Files of engines that place experts, and one of demand, for {@link MODEL}. */
function placements(): Record<string, Uint8Array> {
  const model = loadModel(MODEL);
  return Object.fromEntries(
    PROFILE_FORMATS.map((format) => {
      const homes = format.holds === 'homes' ? 2 : null;
      const written = format.write(
        placedOf(model, homes === null ? model.layers.map(() => 4) : model.layers.map(() => 8), homes),
        `a${format.extensions[0]}`,
      );
      return [format.name, Buffer.from(written as string)];
    }),
  );
}

/** Records a reply, or a stream of events, as the proxy does. */
async function recordReply(path: string): Promise<void> {
  const missed: string[] = [];
  const answers = new RecordedAnswers({ model: served }, new AnswerFile(null), true, (line) => void missed.push(line));
  const reply = text(path);
  const asked = asking('/generate', '{"text": "a", "stream": true}')!;
  if (!reply.startsWith('data:')) answers.addAll(jsonValueOf(reply), undefined);
  else {
    const stream = new StreamedReply();
    for (const [, event = ''] of reply.matchAll(/^data:(.*)$/gm)) {
      const value = jsonValueOf(event);
      if (typeof value === 'object' && value !== null) stream.add(value as Record<string, unknown>, 'a stream');
    }
    answers.addAll(stream.value, undefined);
  }
  withNulls(reply, asked.hidden);
  if (answers.recorded === 0) throw new UserError(missed[0] ?? 'nothing is recorded');
  (await answers.finish()).close();
}

/** Readers of what stands behind other files, by what they reach. */
const deep: Readonly<Record<string, Reader>> = {
  'placement, judged': {
    ending: '',
    kinds: [],
    share: 0.3,
    files: placements(),
    change: bending(null),
    read: (path) => judgeFor({ model: MODEL }, path, [`${MODEL}#0:48`], SLOTS),
  },
  timing: {
    ending: '',
    kinds: [],
    files: lines([
      'eval 24.3 tok/s, -ncmoe 26',
      'eval 24.3 tok/s, prompt 410 tok/s, -ngl 99 -ot exps=CPU -fa 1',
      'eval 24.3 tok/s, -ctk q8_0 -t 8 -ub 512',
    ]),
    change: bending(null),
    read: (path) =>
      timingsIn(text(path), 'timing').map((timing) => measurementOf(timing, machine, { model: 'olmoe-1b-7b', quantization: 'q4_k_m' })),
  },
  'log, as rows': {
    ending: '',
    kinds: [],
    files: filesBelow('test/fixtures/timings', ''),
    change: bending(null),
    read: (path) => readTimings(path).map((timing) => measurementOf(timing, machine, { model: 'olmoe-1b-7b', quantization: 'q4_k_m' })),
  },
  'budgets, in a gate': {
    ending: '.yaml',
    kinds: [],
    files: {
      budgets: Buffer.from(
        JSON.stringify({
          budgets: [
            { metric: 'latency.tpot.*', max_regression: '3% and 0.2ms' },
            { metric: 'cache.hit_rate', max_regression: '0.5pp', level: 'warn' },
            { metric: 'speed.*', limit: '>= 1 tok/s and >= 0.5' },
            { metric: 'share.*', level: 'off', reason: 'noise' },
          ],
        }),
      ),
    },
    change: bending('budgets', '.yaml'),
    read(path) {
      const file = locateYaml(readText(path), path, budgetFileSchema);
      const budgets = budgetsOf(file.value.budgets, (index) => file.place('budgets', index));
      const sides = [
        { label: 'a', result: sampleResult() },
        { label: 'b', result: sampleResult() },
      ] as const;
      compareAll(sides[0], [sides[1]], budgets, { explain: true });
    },
  },
  link: {
    ending: '',
    kinds: [],
    files: lines([
      'm=gpt-oss-120b&w=rtx-3060+64GB&context=32768',
      'm=qwen3.6-35b-a3b&w=rtx-3060:12GB+2xddr4-3200+32GB&goal=decode&prompt=2000&users=3',
      'm=olmoe-1b-7b&w=rtx-3090+64GB&quantizations=q4_k_m,q8_0&slots=16&runtime=llama.cpp-cuda',
    ]),
    change: bending(null),
    read(path) {
      const question = questionOf(text(path));
      const link = linkOfQuestion(question);
      if (linkOfQuestion(questionOf(link)) !== link) throw new Error(`another question: ${link}`);
      parseMachine(question.machine);
    },
  },
  'reply, recorded': {
    ending: '',
    kinds: [],
    files: Object.fromEntries(
      (['/generate', '/v1/completions', '/vllm/v1/completions', '/inference/v1/generate'] as const).flatMap((path) =>
        [false, true].map((stream) => {
          const answer = answerOf(
            path,
            { return_routed_experts: true, return_token_ids: true, stream, stream_options: { include_usage: true } },
            3,
          );
          return [`${path} ${stream}`, Buffer.from(typeof answer === 'string' ? answer : answer.join(''))];
        }),
      ),
    ),
    change: bending(null),
    read: recordReply,
  },
  'system, in a run': {
    ending: '.yaml',
    kinds: [],
    share: 0.3,
    files: filesBelow('profiles/systems', '.yaml'),
    change: bending('system', '.yaml'),
    read: (path) => simulateRun(checkRun({ ...RUN, system: path }, 'run', [])),
  },
  run: {
    ending: '.yaml',
    kinds: [],
    share: 0.3,
    files: filesBelow('profiles/runs', '.yaml'),
    change: bending('run', '.yaml'),
    read: (path) => loadRun(path),
  },
  'study, its cells': {
    ending: '.yaml',
    kinds: [],
    files: readers.study!.files,
    change: bending('study', '.yaml'),
    read(path) {
      const study = loadStudy(path);
      const count = pathsOf(study.space).length;
      let cells = 0;
      for (const cell of spaceCells(study.space)) {
        if (++cells > 4) break;
        const varied = Array.from({ length: count }, (_, at) => study.override(at, cell[at]!));
        loadRun(study.run ?? 'quickstart', [...study.fixed, ...varied]);
      }
    },
  },
};

/** By name: `bent NAME`. Runs, places and gates take longer than reading: a tenth of all inputs is theirs. */
export const structured: Readonly<Record<string, Reader>> = Object.fromEntries(
  [
    ...Object.entries(KNOWN).map(([name, kind]): [string, Reader] => [
      name,
      { ...readers[name]!, change: bending(kind, readers[name]!.ending) },
    ]),
    ...Object.entries(deep),
  ].map(([name, reader]) => [`bent ${name}`, { ...reader, share: (reader.share ?? 1) / 10 }]),
);
