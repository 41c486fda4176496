// bench/lab/results.md: results of the laboratory as a page, misses first.
import { markdownTable, percent } from '../lib/bench.mjs';
import { MACHINES } from './lines.mjs';
import { placedLines } from './placed.mjs';
import { qualityLines } from './quality.mjs';
import { SHAPES } from './shapes.mjs';

const MIB = 2 ** 20;

/** What is missed, and why, as far as known: by architecture, which architecture the words are about. */
const CAUSES = {
  phimoe: 'biases of the norms and of the output are not in the profile',
  dbrx: 'queries, keys and values are one matrix of the file, which llama-quantize stores at one size; the profile has three',
  deepseek2:
    'matrices of single heads (attn_k_b, attn_v_b) are counted as the one that they are made of; queries of plans without all layers on the card',
  glm4moe: 'which blocks get more bits counts the one that predicts further tokens',
  qwen3next: 'a mixer of linear attention is one product here, and a graph of convolution, state and scan there; it grows with sequences',
  qwen35moe: 'as qwen3next',
  nemotron_h_moe: 'as qwen3next, of Mamba-2',
  lfm2moe: 'no figure from the file: its header has no state of a short convolution that moeprof reads',
  bailingmoe2: 'queries, keys and values are one matrix, of which three views are made',
  'hunyuan-moe': 'a plan with half of the layers on the card',
  llama4: 'two cards, experts of half of the layers in host memory',
};

const GIB = 2 ** 30;
const causeOf = (model) => CAUSES[SHAPES.find((shape) => shape.model === model)?.architecture] ?? 'not known';
/** Why an answer that drafts is larger. */
const DRAFTS = 'the answer drafts with the block that predicts further tokens; its memory is not in this plan';

const mib = (bytes) => (bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0);
const errorOf = ({ engine, profile }) => (engine === 0 ? 0 : profile / engine - 1);

/** The page. @param parts results of each part as they are kept: {commit, date, ran, result} */
export function pageOf(parts) {
  const of = (name, write) => (parts[name] === undefined ? [] : [...write(parts[name].result, parts[name]), '']);
  const ofMinis = (name, title, write) =>
    of(name, (result) => (result === null ? [`## ${title}`, '', 'Not run: LAB_MINI names no model.'] : write(result)));
  const [any] = Object.values(parts);
  return [
    '# The laboratory: llama.cpp beside moeprof',
    '',
    'moeprof says how much memory llama.cpp takes, which flags fit a card, and how routing is recorded. Here an unmodified llama.cpp is asked',
    'the same: it plans sparse files (tables of tensors without data), parses the lines that `moeprof advise` prints, and starts them.',
    '',
    `Build: llama.cpp ${any.commit.slice(0, 7)} of ${any.date} (v0.5.0), its sources from npm's node-llama-cpp. Run on ${Object.values(
      parts,
    )
      .map(({ ran }) => ran)
      .sort()
      .at(-1)} with`,
    '',
    '    npm run lab                       # everything; builds llama.cpp once, a quarter of an hour on two cores',
    '    npm run lab -- memory --write     # one part, and this page',
    '    npm run lab -- --short            # what npm alone can do, in CI',
    '',
    '`LLAMA_CPP_BUILD=DIR` takes a build that stands, `LLAMA_CPP_BUILD_NEXT=DIR` is another one for drift. `LAB_MINI=a.gguf,b.gguf` names models for',
    'the recorder, with prompts in `a.test.jsonl` beside each; [record](../../docs/record.md) has the packages that it needs. Everything lies in `.lab/`.',
    'The slice of CI asks a build of npm by its C API for plans of seven models on the CPU; each counts as a test.',
    '',
    ...of('memory', memoryLines),
    ...of('fit', fitLines),
    ...of('lines', lineLines),
    ...ofMinis('recorder', 'The recorder', recorderLines),
    ...ofMinis('placed', 'Placements', placedLines),
    ...ofMinis('quality', 'What lossy systems lose', qualityLines),
    ...of('drift', driftLines),
    '## How a card is planned without one',
    '',
    'CUDA devices are declared by a small backend of ours (`bench/lab/planning-backend.cpp`, loaded by `GGML_BACKEND_PATH`). What decides a plan',
    "is cut out of the engine's own CUDA sources when the backend is compiled: which operations it takes, sizes with padding and copies of keys",
    'and values, from how many rows on it computes with weights of the host, and what fusions keep alive. A function that is gone ends the build',
    "of the backend. What a driver takes beside buffers (.3 to .6 GiB a card) is not planned. Files' types of tensors are those that the engine's",
    'own `llama-quantize` would choose, and tables of tensors are written for its loader, not taken from moeprof.',
    '',
    'Vulkan is left out: the packages of npm with it (`@fugood/node-llama-linux-x64-vulkan`) carry another build than the one of this page.',
    'Timing is in [accuracy.md](../../docs/accuracy.md): `bench/llama.mjs`.',
    '',
  ].join('\n');
}

function memoryLines(rows) {
  const all = rows.flatMap(({ architecture, gpus, line, model, parts }) =>
    parts.map((part) => ({ ...part, architecture, gpus, line, model })),
  );
  const of = (part, where) => all.filter((one) => one.part === part && (where === undefined || one.device.startsWith(where)));
  const within = (list, most) => `${list.filter((one) => Math.abs(errorOf(one)) <= most).length} of ${list.length}`;
  const exact = (list, which) => `${list.filter((one) => Math.abs(one[which] - one.engine) < MIB).length} of ${list.length}`;
  const models = [...new Set(rows.map(({ model }) => model))].map((model) => rowOf(model, rows, all));
  const missed = models.filter((row) => row.misses > 0 || row.refused !== null).sort((a, b) => b.misses - a.misses);
  return [
    '## Memory',
    '',
    `${rows.length} plans of ${models.length} models: CPU, one card, two cards; all, half or none of the experts on them; passes of 512 to 4,096 tokens, contexts`,
    'to 65,536, caches in f16 and q8_0, one and four sequences. A part is the weights, the cache or the compute buffer of one device.',
    '',
    ...markdownTable([
      { 'bytes by device': 'weights, from the file', met: `${exact(of('weights'), 'file')} within 1 MiB` },
      { 'bytes by device': 'weights, from the profile', met: `${within(of('weights'), 0.001)} within .1 %` },
      { 'bytes by device': 'cache and states', met: `${exact(of('kv'), 'profile')} within 1 MiB` },
      { 'bytes by device': 'compute, cards', met: `${within(of('compute', 'CUDA'), 0.03)} within 3 %` },
      { 'bytes by device': 'compute, host', met: `${within(of('compute', 'host'), 0.03)} within 3 %` },
    ]),
    '',
    'Missed (weights by more than .1 %, caches by more than a MiB, compute by more than 3 %), the most often first:',
    '',
    ...markdownTable(
      missed.map(({ misses, model, parts, refused, worst }) => ({
        model,
        missed: refused === null ? `${misses} of ${parts}` : 'refused',
        'the largest: engine, moeprof (MiB)': refused ?? worst,
        because: causeOf(model),
      })),
    ),
    '',
    'All models:',
    '',
    ...markdownTable(
      models.map(({ compute, kv, label, largest, model, weights }) => ({
        model,
        file: label,
        'weights, largest error': weights,
        cache: kv,
        'compute, median': compute,
        'compute, largest': largest,
      })),
    ),
  ];
}

function isMissed(one) {
  const error = Math.abs(errorOf(one));
  const bytes = Math.abs(one.profile - one.engine);
  if (one.part === 'kv') return bytes >= MIB;
  return bytes >= MIB && error > (one.part === 'weights' ? 0.001 : 0.03);
}

function rowOf(model, rows, all) {
  const own = all.filter((one) => one.model === model);
  const { architecture, label } = rows.find((row) => row.model === model);
  const refused = rows.find((row) => row.model === model && row.error !== undefined)?.error ?? null;
  const errors = (part) =>
    own
      .filter((one) => one.part === part)
      .map((one) => Math.abs(errorOf(one)))
      .sort((a, b) => a - b);
  const bad = own.filter(isMissed).sort((a, b) => Math.abs(errorOf(b)) - Math.abs(errorOf(a)));
  const shown = (list, at) => (list.length === 0 ? '–' : percent(list[at(list)]));
  const last = (list) => list.length - 1;
  const [first] = bad;
  return {
    architecture,
    label,
    model,
    refused,
    misses: bad.length,
    parts: own.length,
    worst: first === undefined ? '' : `${first.part} of ${first.device}: ${mib(first.engine)}, ${mib(first.profile)} (\`${first.line}\`)`,
    weights: shown(errors('weights'), last),
    kv: shown(errors('kv'), last),
    compute: shown(errors('compute'), (list) => list.length >> 1),
    largest: shown(errors('compute'), last),
  };
}

function fitLines(rows) {
  const both = rows.filter(({ skipped }) => skipped === undefined);
  const near = both.filter(({ ours, theirs }) => Math.abs(ours - theirs) <= 1);
  const other = both.filter(({ ours, theirs }) => Math.abs(ours - theirs) > 1);
  const parted = both.filter(({ ours, theirs }) => ours > 0 || theirs > 0);
  const reasons = new Map();
  for (const { skipped } of rows.filter((row) => row.skipped !== undefined)) {
    const reason = skipped.replace(/:.*/s, '').slice(0, 60);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return [
    '## Which layers stay in host memory',
    '',
    "llama.cpp's own search (`common_fit_params`, what `--fit` does) against `moeprof advise`, for the same card, context, ubatch and margin, 200",
    'machines drawn with a seed: MoE layers of which some experts lie in host memory.',
    '',
    `The same or within one: ${near.length} of ${both.length} (${both.length === 0 ? '–' : percent(near.length / both.length)}); of those that do not fit as a whole, ${parted.length - other.length} of ${parted.length}.${other.length === 0 ? '' : ' The others:'}`,
    '',
    ...(other.length === 0
      ? []
      : markdownTable(
          other.map(({ card, context, draft, label, model, ours, theirs }) => ({
            model: `${model} ${label}`,
            card,
            context,
            'llama.cpp': theirs,
            moeprof: ours,
            'fewer in host memory, so faster': ours < theirs ? 'moeprof' : 'llama.cpp',
            because: draft > 0 ? DRAFTS : 'not known',
          })),
        )),
    '',
    `Not compared: ${[...reasons].map(([reason, count]) => `${reason} (${count})`).join(', ')}.`,
  ];
}

function lineLines({ asked, none, parsed, planned, started }) {
  const refused = parsed.filter(({ accepted }) => !accepted);
  const plans = planned.filter(({ error }) => error === undefined);
  const cards = plans.flatMap(({ devices, machine, ...row }) =>
    MACHINES[machine].map((gib, i) => ({ ...row, machine, ...devices[i], bytes: gib * GIB })),
  );
  const met = cards.filter(({ advised, engine }) => Math.abs(advised / engine - 1) <= 0.01);
  const over = (most) => `${cards.filter((card) => card.engine > most(card)).length} of ${cards.length}`;
  return [
    '## Lines that advise prints',
    '',
    `${asked} questions (every bundled model on six machines), ${asked - none.length} answers with a line, ${parsed.length} distinct lines.`,
    '',
    ...markdownTable([
      { check: 'taken by the parser of llama-server', result: `${parsed.length - refused.length} of ${parsed.length}` },
      { check: 'planned by the engine: total of a card within 1 % of the answer', result: `${met.length} of ${cards.length}` },
      { check: 'planned by the engine: cards that are exceeded', result: over(({ bytes }) => bytes) },
      { check: 'planned by the engine: cards with less than the margin of 1 GiB left', result: over(({ has }) => has) },
      {
        check: 'started on small random weights, one completion',
        result: `${started.filter(({ tokens }) => tokens > 0).length} of ${started.length}`,
      },
    ]),
    '',
    ...(refused.length === 0 ? [] : [...markdownTable(refused.map(({ line, model, says }) => ({ model, line: `\`${line}\``, says }))), '']),
    ...missedCards(cards),
  ];
}

function missedCards(cards) {
  const missed = cards.filter(({ advised, engine }) => Math.abs(advised / engine - 1) > 0.01);
  if (missed.length === 0) return [];
  missed.sort((a, b) => Math.abs(b.advised / b.engine - 1) - Math.abs(a.advised / a.engine - 1));
  return [
    'Cards off by more than 1 %, the largest first (MiB):',
    '',
    ...markdownTable(
      missed.slice(0, 20).map(({ advised, engine, label, line, machine, model, name }) => ({
        model: `${model} ${label}`,
        machine,
        device: name,
        'llama.cpp': mib(engine),
        moeprof: mib(advised),
        error: percent(advised / engine - 1),
        because: line.includes('draft-mtp') ? DRAFTS : causeOf(model),
      })),
    ),
  ];
}

function recorderLines(result) {
  return [
    '## The recorder',
    '',
    'Choices that `moeprof record` took from one build, by layer and expert: beside the counts of llama-imatrix of another build on the same tokens,',
    'and, token by token, beside what the model chooses where it was trained (PyTorch, F32). The models are two minis, trained and written as GGUF',
    'by `npm run lab:minis` (bench/lab/minis; PyTorch, and text that the machine has).',
    '',
    ...markdownTable(
      result.map(({ counted, equal, model, tokens, trained }) => ({
        model,
        tokens,
        choices: counted,
        'counted alike': percent(equal / counted),
        'choices beside training': trained?.cells ?? '–',
        'the same': trained ? `${((100 * trained.equal) / trained.cells).toFixed(2)} %` : '–',
      })),
    ),
  ];
}

function driftLines(result) {
  if (result === null) return ['## Drift', '', 'No other build was given (`LLAMA_CPP_BUILD_NEXT`).'];
  const { next, plans, rows } = result;
  return [
    '## Drift',
    '',
    `${plans} plans in ${next.commit.slice(0, 7)} of ${next.date}: ${rows.length} parts differ.`,
    '',
    ...(rows.length === 0
      ? []
      : markdownTable(
          rows.slice(0, 40).map(({ after, before, device, line, model, part }) => ({
            model,
            plan: `\`${line}\``,
            part: `${part} of ${device}`,
            before: mib(before),
            after: after === null ? 'refused' : mib(after),
          })),
        )),
  ];
}
