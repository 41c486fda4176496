import { Random } from '../../base/random.js';
import { boundDrawn, type RequestLength } from '../generate/synthetic.js';
import { TraceStore } from '../store.js';
import { NULL_EXPERT, PHASE, type RoutingTrace } from '../trace.js';
import { BURN_IN, calibration, type Moments, targetsOf } from './calibrate.js';
import { estimateWeights, surveyModel } from './estimate.js';
import { LayerMemory, type LayerModel, REQUEST_GAP } from './routing-model.js';

/** Routing model fitted to a trace: estimated, calibrated, sampled. */
export interface FittedRouting {
  readonly topK: number;
  readonly layers: readonly LayerModel[];
  readonly targets: readonly Moments[];
  readonly requests: readonly RequestLength[];
  readonly model: string | null;
  readonly source: string;
}

/** Fits a routing model, layer by layer. */
export function fitRouting(trace: RoutingTrace): FittedRouting {
  const layers = surveyModel(trace);
  estimateWeights(trace, layers);
  return {
    topK: trace.topK,
    layers,
    targets: targetsOf(trace, layers),
    requests: trace.requests.map(({ prefill, decode }) => ({ prefill, decode })),
    model: trace.meta.model,
    source: trace.path,
  };
}

/** A seed gives the same routing on every machine. @param progress gets the tokens drawn */
export function synthesizeFitted(
  fitted: FittedRouting,
  { requests, seed }: { readonly seed: number; readonly requests: readonly RequestLength[] },
  progress?: (tokens: number) => void,
): RoutingTrace {
  const process = fittedProcess(fitted.layers, fitted.targets, fitted.topK, seed);
  boundDrawn(requests, fitted.layers.length * fitted.topK);
  const store = new TraceStore({ path: 'synthetic', layers: fitted.layers.length, topK: fitted.topK });
  burnIn(process, fitted);
  requests.forEach(({ prefill, decode }, request) => {
    process.begin();
    for (let position = 0; position < prefill + decode; position++) {
      store.seek(store.rows);
      process.next(store.ids, store.idsAt);
      store.addRow(request, position, position < prefill ? PHASE.prefill : PHASE.decode);
      if (store.rows % 256 === 0) progress?.(store.rows);
    }
  });
  return store.finish(
    fitted.layers.map((layer) => layer.experts),
    {
      model: fitted.model,
      format: 'synthetic',
      synthetic: true,
      notes: { generator: 'moeprof fitted/1', seed: String(seed), fitted_to: fitted.source },
    },
  );
}

function burnIn(process: ReturnType<typeof fittedProcess>, { layers, requests, topK }: FittedRouting): void {
  const ids = new Uint16Array(layers.length * topK);
  for (let token = 0, i = 0; token < BURN_IN; i++) {
    const { prefill, decode } = requests[i % requests.length]!;
    process.begin();
    for (let left = prefill + decode; left > 0 && token < BURN_IN; left--, token++) process.next(ids, 0);
  }
}

/** Entries of the noise table, a power of two. */
const NOISE = 1 << 16;

/** Draws rows with `next` after `begin`. @param fitted weights, copied because steering changes weights */
function fittedProcess(fitted: readonly LayerModel[], targets: readonly Moments[], topK: number, seed: number) {
  const models = fitted.map((model) => ({
    ...model,
    bias: model.bias.slice(),
    ages: model.ages.slice(),
    memories: model.memories.slice(),
  }));
  const steering = calibration(models, targets);
  const memories = models.map((model) => new LayerMemory(model));
  const random = new Random(seed, 'trace/fitted/routing');
  // Gumbel noise: the k largest of score + noise win an exponential race with rates exp(score).
  const noise = Float64Array.from({ length: NOISE }, (_, i) => -Math.log(-Math.log((i + 0.5) / NOISE)));
  const keys = new Float64Array(topK);
  let clock = 0;
  let opens = false;
  const race = (scores: Float64Array, count: number, ids: Uint16Array, from: number): void => {
    let found = 0;
    for (let e = 0; e < scores.length; e++) {
      const key = scores[e]! + noise[random.uint32() & (NOISE - 1)]!;
      if (found === count && key <= keys[count - 1]!) continue;
      let place = found < count ? found++ : count - 1;
      for (; place > 0 && keys[place - 1]! < key; place--) {
        keys[place] = keys[place - 1]!;
        ids[from + place] = ids[from + place - 1]!;
      }
      keys[place] = key;
      ids[from + place] = e;
    }
  };
  return {
    /** Starts a request: earlier uses age but stay remembered. */
    begin(): void {
      opens = true;
    },
    /** Writes the next row `[layers, topK]` to `ids` from `at`, in rank order. */
    next(ids: Uint16Array, at: number): void {
      clock += opens ? REQUEST_GAP : 1;
      opens = false;
      let before = 0;
      for (const [l, { choices }] of models.entries()) {
        const memory = memories[l]!;
        const from = at + l * topK;
        memory.score(clock, ids, from - topK, before);
        race(memory.scores, choices, ids, from);
        for (let k = choices; k < topK; k++) ids[from + k] = NULL_EXPERT;
        steering.event(l, memory, ids, from, choices);
        memory.use(clock, ids, from, choices);
        before = choices;
      }
      steering.token();
    },
  };
}
