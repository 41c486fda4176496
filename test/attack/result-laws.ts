// The laws of docs/semantics.md as far as a saved result alone shows them: its metrics, layers, bounds and configuration. Written from the
// page, and importing nothing, so that it shares no mistake with the engine.

/** What is read of a result, as JSON holds it. */
export interface ResultJson {
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly unit: string }>>;
  readonly perLayer: Readonly<Record<string, readonly number[]>>;
  readonly bounds: Readonly<Record<string, number | null>>;
  readonly inputs?: { readonly device?: string };
  readonly config: {
    readonly bounds: boolean;
    readonly replay: string;
    readonly faults?: unknown;
    readonly memory: { readonly kvGrowth?: string };
    readonly workload: { readonly arrivals?: string; readonly batch?: number; readonly speculation?: { readonly draft?: number } };
    readonly system: {
      readonly cache: { readonly policy: string; readonly warm?: unknown; readonly copies?: { readonly policy?: string } };
      readonly predictor: { readonly kind: string };
      /** A word, a rule or rules. */
      readonly onMiss: unknown;
      readonly prefetch?: { readonly staging?: string };
    };
  };
}

/** One statement: whether it holds, and what to say where it does not. */
type Statement = readonly [holds: boolean, what: string];
type Law = (figures: Figures) => Iterable<Statement>;

/** Sums of times differ by rounding: each addition by up to 2^-53 of the clock. */
const ROUNDING = 1e-6;
const SUMMARIES = ['ttft', 'tpot', 'itl', 'pass', 'request', 'queueing'];
/** Figures that may be negative. */
const SIGNED =
  /^(prefetch\.stall_avoided|prefetch\.stall_avoided_per_byte|memory\.gpu\.saving|variant\.(activations|flops)_saved|rerank\.hit_rate_gained)$/;
/** Ratios of a maximum to a mean, which are at least 1. */
const IMBALANCE = /^parallel\.(event_)?imbalance$/;
/** Counts that are means. */
const MEANS =
  /^(experts\.distinct_per_event|prefetch\.horizon|parallel\.overlap_degree|variant\.true_k|switch\.per_request|speculation\.tokens_per_pass)/;

/** The figures of a result, by name. */
class Figures {
  readonly result: ResultJson;
  /** The link that experts cross into the memory of the GPU. */
  readonly link: string;

  constructor(result: ResultJson) {
    this.result = result;
    this.link = this.has('transfer.h2d.count') ? 'h2d' : 'ssd';
  }

  has(name: string): boolean {
    return this.result.metrics[name] !== undefined;
  }

  /** A metric; 0 where the run does not have it. */
  of(name: string): number {
    return this.result.metrics[name]?.value ?? 0;
  }

  /** Most tokens of a pass without prompts. */
  get decodedAtOnce(): number {
    const { batch = 1, speculation } = this.result.config.workload;
    return batch * (1 + (speculation?.draft ?? 0));
  }

  layers(name: string): readonly number[] {
    return this.result.perLayer[name]!;
  }

  sum(name: string): number {
    return this.layers(name).reduce((all, value) => all + value, 0);
  }

  get system(): ResultJson['config']['system'] {
    return this.result.config.system;
  }

  get prefetches(): boolean {
    return this.system.predictor.kind !== 'none' || this.of('prefetch.promoted') > 0;
  }

  /** Every miss is transferred: none is skipped or computed on the CPU. */
  get loadsAll(): boolean {
    const rules = [this.system.onMiss].flat().map((rule) => (typeof rule === 'string' ? rule : (rule as { do: string }).do));
    return rules.every((action) => action === 'load' || action === 'static');
  }

  /** All processors share one memory: what the CPU was to compute is loaded from the SSD. */
  get oneMemory(): boolean {
    return this.result.inputs?.device !== undefined;
  }

  /** Nothing lies in the cache before the run. */
  get startsCold(): boolean {
    // Without a tier below there is no link, and all lie there from the start. Some policies have a start, some systems warm text.
    const { policy, warm } = this.system.cache;
    return !/^static|start=/.test(policy) && warm === undefined && this.has(`transfer.${this.link}.count`);
  }

  /** Time of all passes: of a GPU on average, all-to-alls included. */
  get partsNs(): number {
    return this.of('time.dense') + this.of('time.compute') + this.of('time.stall') + this.of('time.all_to_all');
  }
}

function same(what: string, a: number, b: number): Statement {
  return [Math.abs(a - b) <= ROUNDING * Math.max(Math.abs(a), Math.abs(b)) + 1e-9, `${what}: ${a} is not ${b}`];
}

function atMost(what: string, a: number, b: number): Statement {
  return [a <= b + ROUNDING * Math.abs(b) + 1e-9, `${what}: ${a} is more than ${b}`];
}

function* units({ result }: Figures): Iterable<Statement> {
  for (const [name, { unit, value }] of Object.entries(result.metrics)) {
    yield [Number.isFinite(value), `${name} is ${value}`];
    if (!SIGNED.test(name)) yield [value >= 0, `${name} is negative: ${value}`];
    if (unit === 'ratio' && !IMBALANCE.test(name)) yield [value <= 1 + ROUNDING, `${name} is a share of ${value}`];
    if (IMBALANCE.test(name)) yield [value >= 1 - ROUNDING, `${name} is ${value}, a maximum below its mean`];
    if (unit === 'count' && !MEANS.test(name)) yield [Number.isInteger(value), `${name} counts ${value}`];
  }
  for (const [name, column] of Object.entries(result.perLayer)) {
    yield [column.length === result.perLayer.events!.length, `${name} has ${column.length} layers`];
    const whole = !name.endsWith('Ns');
    yield [column.every((value) => (whole ? Number.isInteger(value) : Number.isFinite(value))), `${name} holds ${column}`];
    // Stall is what an event takes less what it computes, and may be short of zero by rounding.
    yield [column.every((value) => value >= (whole ? 0 : -1e-3)), `${name} holds a negative figure: ${column}`];
  }
}

function* demand(f: Figures): Iterable<Statement> {
  const demanded = f.of('experts.demanded');
  yield atMost('demanded experts and activations', demanded, f.of('experts.activations'));
  if (f.result.config.replay === 'sequential') yield same('sequential demand and activations', demanded, f.of('experts.activations'));
  yield atMost('distinct experts and demanded ones', f.of('experts.distinct'), demanded);
  yield same('distinct experts and compulsory misses', f.of('experts.distinct'), f.of('bound.compulsory'));
  yield same('demanded experts of an event', f.of('experts.distinct_per_event'), demanded / f.sum('events'));
  for (const [l, events] of f.layers('events').entries())
    yield atMost(`events of layer ${l} and its demand`, events, f.layers('demanded')[l]!);
}

function* judgement(f: Figures): Iterable<Statement> {
  for (const [l, demanded] of f.layers('demanded').entries()) {
    yield same(`layer ${l}: judged and demanded`, f.layers('hits')[l]! + f.layers('late')[l]! + f.layers('misses')[l]!, demanded);
  }
  yield same('judged and demanded', f.of('cache.hits') + f.of('cache.late') + f.of('cache.misses'), f.of('experts.demanded'));
}

function* sums(f: Figures): Iterable<Statement> {
  const counters = ['cache.hits', 'cache.late', 'cache.misses', 'cache.evictions', 'cache.streamed', 'experts.demanded'];
  for (const name of counters) yield same(`${name} of layers and run`, f.sum(name.split('.')[1]!), f.of(name));
  const times = ['time.dense', 'time.compute', 'time.stall', 'time.cpu', 'time.all_to_all', 'schedule.passes'];
  for (const name of [...counters, 'experts.activations', ...times]) {
    if (f.has(`${name}.prefill`)) yield same(`${name} of phases and run`, f.of(`${name}.prefill`) + f.of(`${name}.decode`), f.of(name));
  }
}

function* rates(f: Figures): Iterable<Statement> {
  for (const phase of ['', '.prefill', '.decode'].filter((one) => f.has(`experts.demanded${one}`))) {
    const demanded = f.of(`experts.demanded${phase}`);
    if (demanded === 0) continue;
    for (const [rate, count] of [
      ['hit', 'hits'],
      ['late', 'late'],
      ['miss', 'misses'],
    ] as const) {
      yield same(`cache.${rate}_rate${phase}`, f.of(`cache.${rate}_rate${phase}`), f.of(`cache.${count}${phase}`) / demanded);
    }
  }
  const used = f.of('prefetch.useful') + f.of('prefetch.late');
  if (f.has('prefetch.precision')) yield same('prefetch.precision', f.of('prefetch.precision'), used / (used + f.of('prefetch.wasted')));
  if (f.has('prefetch.recall')) yield same('prefetch.recall', f.of('prefetch.recall'), used / (used + f.of('cache.misses')));
  yield same('share.stall', f.of('share.stall'), f.of('time.stall') / f.of('time.total'));
  const tokens = f.of('workload.tokens');
  yield same('throughput.total', f.of('throughput.total'), (tokens * 1e9) / f.of('time.total'));
  yield atMost('generated and all tokens a second', f.of('throughput.generated'), f.of('throughput.total'));
  yield atMost('good and generated tokens a second', f.of('goodput.tokens'), f.of('throughput.generated'));
  for (const name of ['transfer.h2d.bytes', 'transfer.ssd.bytes', 'transfer.on_demand.bytes', 'transfer.on_demand.count']) {
    if (f.has(name)) yield same(`${name}_per_token`, f.of(`${name}_per_token`), f.of(name) / tokens);
  }
}

function* speeds(f: Figures): Iterable<Statement> {
  for (const [speed, latency] of [
    ['speed.decode', 'latency.tpot.mean'],
    ['speed.prefill', 'latency.ttft.mean'],
  ] as const) {
    yield [f.has(speed) === f.has(latency), `${speed} and ${latency} are not there together`];
  }
  if (f.has('speed.decode')) {
    yield same('speed.decode and the mean ITL', f.of('speed.decode') * f.of('latency.itl.mean'), 1e9);
    if (f.of('workload.requests') === 1) yield same('speed.decode and TPOT', f.of('speed.decode') * f.of('latency.tpot.mean'), 1e9);
  }
  yield [f.has('speed.decode') === f.has('throughput.generated'), 'speed.decode and throughput.generated are not there together'];
  const known = ['speed.decode', 'speed.prefill', 'throughput.generated', 'throughput.total'];
  const other = Object.keys(f.result.metrics).filter((name) => /speed|throughput/.test(name) && !known.includes(name));
  yield [other.length === 0, `other speeds: ${other}`];
}

function* speculation(f: Figures): Iterable<Statement> {
  if (!f.has('speculation.drafted')) return;
  const [drafted, accepted, rejected] = ['drafted', 'accepted', 'rejected'].map((one) => f.of(`speculation.${one}`)) as [
    number,
    number,
    number,
  ];
  yield same('drafted tokens and what became of them', drafted, accepted + rejected);
  yield same('speculation.acceptance', f.of('speculation.acceptance'), drafted === 0 ? 0 : accepted / drafted);
  yield atMost('accepted tokens and those of the run', accepted, f.of('workload.tokens'));
  yield [drafted === 0 || f.of('speculation.tokens_per_pass') >= 1, 'a pass that verifies a draft gives no token'];
  const wasted = f.of('speculation.wasted_activations');
  yield atMost('wasted activations and all', wasted, f.of('experts.activations'));
  yield same('speculation.wasted_rate', f.of('speculation.wasted_rate'), wasted / f.of('experts.activations'));
  yield [rejected > 0 || wasted === 0, `${wasted} wasted activations of no token`];
  const redone = f.of('speculation.redone');
  yield [rejected > 0 || redone === 0, `${redone} tokens ran again after drafts that were right`];
  yield atMost('tokens that ran again and those of the run', redone, f.of('workload.tokens'));
  yield atMost('time of drafting and of dense work', f.of('speculation.draft_time'), f.of('time.dense'));
}

function* transfers(f: Figures): Iterable<Statement> {
  for (const amount of ['count', 'bytes']) {
    const both = f.of(`transfer.on_demand.${amount}`) + f.of(`transfer.prefetch.${amount}`);
    yield same(`transfers on demand and ahead (${amount}) and those over ${f.link}`, both, f.of(`transfer.${f.link}.${amount}`));
  }
  yield same('bytes on demand of layers and run', f.sum('onDemandBytes'), f.of('transfer.on_demand.bytes'));
  yield same('bytes ahead of layers and run', f.sum('prefetchBytes'), f.of('transfer.prefetch.bytes'));
  for (const kind of ['h2d', 'ssd', 'on_demand', 'prefetch']) {
    const [count, bytes] = [f.of(`transfer.${kind}.count`), f.of(`transfer.${kind}.bytes`)];
    yield [count > 0 === bytes > 0, `${count} transfers (${kind}) of ${bytes} bytes`];
  }
}

function* misses(f: Figures): Iterable<Statement> {
  const loads = f.of('transfer.on_demand.count');
  yield atMost('on-demand loads and misses', loads, f.of('cache.misses'));
  const copied = f.of('cache.copy_hits');
  yield atMost('on-demand loads, hits of copies and misses', loads + copied, f.of('cache.misses'));
  if (f.has('cache.copy_hits')) {
    const [copies, bytes] = [f.of('transfer.copies.count'), f.of('transfer.copies.bytes')];
    yield same('cache.copy_hit_rate', f.of('cache.copy_hit_rate'), copied / f.of('experts.demanded'));
    yield atMost('copies that were brought and on-demand loads', copies, loads);
    yield atMost('bytes of copies and of on-demand loads', bytes, f.of('transfer.on_demand.bytes'));
    yield [copies > 0 === bytes > 0, `${copies} copies of ${bytes} bytes`];
    // Each that serves without a transfer was brought once, or lay there, or was left by an expert that was evicted.
    const brought = copies + f.of('cache.evictions');
    yield [brought > 0 || copied === 0 || f.system.cache.copies?.policy?.startsWith('static') === true, `${copied} hits of no copies`];
    yield atMost('what copies have and the expert cache', f.of('memory.gpu.copies'), f.of('memory.gpu.expert_cache'));
  }
  yield atMost('streamed experts and misses', f.of('cache.streamed'), f.of('cache.misses'));
  if (f.loadsAll) yield same('on-demand loads and misses', loads, f.of('cache.misses'));
  // Runtimes copy the experts of passes of at least 32 tokens to the GPU: such a pass has a prompt where few decode at once.
  if (f.system.onMiss === 'cpu' && f.decodedAtOnce < 32 && !f.oneMemory)
    yield atMost(
      'on-demand loads and misses of prompts where the CPU computes',
      loads,
      f.of('experts.demanded') - f.of('experts.demanded.decode'),
    );
}

function* prefetches(f: Figures): Iterable<Statement> {
  const started = f.of('transfer.prefetch.count');
  const known = f.of('prefetch.useful') + f.of('prefetch.late') + f.of('prefetch.wasted') + f.of('prefetch.pending');
  yield same('prefetches and their fates', started, known);
  yield same('late prefetches and late members', f.of('prefetch.late'), f.of('cache.late'));
  yield atMost('useful prefetches and hits', f.of('prefetch.useful'), f.of('cache.hits'));
  if (f.system.prefetch?.staging === undefined)
    yield atMost('wasted prefetches and evictions', f.of('prefetch.wasted'), f.of('cache.evictions'));
  yield atMost('wasted and prefetched bytes', f.of('prefetch.wasted_bytes'), f.of('transfer.prefetch.bytes'));
  if (!f.prefetches) yield [started === 0 && f.of('cache.late') === 0, `${started} prefetches without a predictor`];
}

/** Experts of one layer are equal, so that bytes tell their size where every miss is loaded. */
function* sizes(f: Figures): Iterable<Statement> {
  if (!f.loadsAll) return;
  const size = f.layers('misses').map((count, l) => (count === 0 ? 0 : f.layers('onDemandBytes')[l]! / count));
  yield [size.every(Number.isInteger), `bytes on demand are no whole experts: ${size}`];
  const ahead = f.layers('prefetchBytes').map((bytes, l) => (bytes === 0 ? 0 : bytes / size[l]!));
  if (size.includes(0)) return;
  yield [ahead.every(Number.isInteger), `prefetched bytes are no whole experts: ${ahead}`];
  yield same(
    'experts prefetched by layer and prefetches',
    ahead.reduce((all, one) => all + one, 0),
    f.of('transfer.prefetch.count'),
  );
  if (new Set(size).size > 1) return;
  yield same('wasted bytes and wasted experts', f.of('prefetch.wasted_bytes'), f.of('prefetch.wasted') * size[0]!);
  if (f.startsCold) {
    const left = f.of(`transfer.${f.link}.count`) - f.of('cache.streamed') - f.of('cache.evictions');
    yield [left >= 0, `${-left} more experts left the cache than came`];
    // What came for nothing left its buffer without having been in the cache.
    const buffers = f.system.prefetch?.staging !== undefined;
    if (!buffers) yield atMost('bytes that lie in the cache at the end and its capacity', left * size[0]!, f.result.bounds.capacityBytes!);
  }
}

/** DRAM is cold at the start: what the GPU has was read from the SSD once at least, and without prefetch only for it. */
function* dram(f: Figures): Iterable<Statement> {
  if (f.link !== 'h2d' || !f.has('transfer.ssd.count') || !f.loadsAll || !f.startsCold) return;
  yield atMost('compulsory misses and reads from the SSD', f.result.bounds.compulsoryMisses!, f.of('transfer.ssd.count'));
  if (f.prefetches) return;
  for (const amount of ['count', 'bytes']) {
    yield atMost(`reads from the SSD and transfers to the GPU (${amount})`, f.of(`transfer.ssd.${amount}`), f.of(`transfer.h2d.${amount}`));
  }
}

function* memory(f: Figures): Iterable<Statement> {
  const [cache, mean, least] = ['', '_mean', '_least'].map((one) => f.of(`memory.gpu.expert_cache${one}`)) as [number, number, number];
  yield atMost('expert cache of one GPU and of all', cache, f.result.bounds.capacityBytes!);
  if (f.has('memory.gpu.expert_cache_mean')) {
    yield atMost('expert cache on average and at most', mean, cache);
    yield atMost('expert cache at least and on average', least, mean);
  }
  yield atMost('GPU memory in use and set aside', f.of('memory.gpu.peak'), f.of('memory.gpu.allocated'));
  if (!f.has('parallel.gpus')) yield atMost('KV caches and GPU memory in use', f.of('memory.gpu.kv_peak'), f.of('memory.gpu.peak'));
}

function* time(f: Figures): Iterable<Statement> {
  const total = f.of('time.total');
  const spent = f.partsNs + f.of('schedule.time');
  yield atMost('time of passes and of the run', spent, total);
  const { config } = f.result;
  const { kvGrowth = 'static' } = config.memory;
  const waits = config.workload.arrivals !== undefined || kvGrowth !== 'static' || config.faults !== undefined;
  if (!waits) yield same('time of passes and of the run', spent, total);
  for (const [column, name] of [
    ['computeNs', 'time.compute'],
    ['stallNs', 'time.stall'],
    ['cpuNs', 'time.cpu'],
  ] as const) {
    yield same(`${name} of layers and run`, f.sum(column), f.of(name));
  }
  yield atMost('dense time of layers and run', f.sum('denseNs'), f.of('time.dense'));
  const alone = !f.has('parallel.gpus');
  const waited = f.of('cache.late') + f.of('cache.misses') > 0;
  if (alone && !waited) yield [f.of('time.stall') <= ROUNDING * total, `${f.of('time.stall')} ns of stall, and nothing was waited for`];
  if (f.loadsAll) yield same('CPU time of a run whose misses are loaded', f.of('time.cpu'), 0);
  if (f.has('fault.time')) yield atMost('time under faults and of the run', f.of('fault.time'), total);
}

/** Passes are no metric, but their mean is, and their sum. */
function* passes(f: Figures): Iterable<Statement> {
  const count = f.partsNs / f.of('latency.pass.mean');
  const whole = Math.round(count);
  yield [Math.abs(count - whole) <= ROUNDING * whole, `the parts of time are ${count} times the mean pass`];
  if (f.result.config.replay !== 'atomic') return;
  for (const [l, events] of f.layers('events').entries()) yield atMost(`events of layer ${l} and passes`, events, whole);
}

function* percentiles(f: Figures): Iterable<Statement> {
  for (const name of SUMMARIES.filter((one) => f.has(`latency.${one}.p50`))) {
    const [p50, p95, p99] = ['p50', 'p95', 'p99'].map((one) => f.of(`latency.${name}.${one}`)) as [number, number, number];
    yield [p50 <= p95 && p95 <= p99, `latency.${name}: ${p50}, ${p95}, ${p99} do not ascend`];
    yield atMost(`latency.${name}: half of the median and the mean`, p50 / 2, f.of(`latency.${name}.mean`));
  }
  for (const one of ['mean', 'p50', 'p95', 'p99']) {
    yield atMost(`latency.queueing and latency.request (${one})`, f.of(`latency.queueing.${one}`), f.of(`latency.request.${one}`));
    yield atMost(`latency.request.${one} and the run`, f.of(`latency.request.${one}`), f.of('time.total'));
  }
}

/** The GPU is as fast as with all experts resident at best, unless the CPU helps or experts are left out. */
function* residence(f: Figures): Iterable<Statement> {
  const { allResidentTpotNs: best, noCacheTpotNs: worst } = f.result.bounds;
  if (best == null || worst == null) return;
  yield atMost('TPOT with all experts resident and with no cache', best, worst);
  if (f.of('time.cpu') === 0 && f.of('quality.skipped_rate') === 0) {
    yield atMost('TPOT with all experts resident and of the run', best, f.of('latency.tpot.mean'));
  }
}

function* belady(f: Figures): Iterable<Statement> {
  const { beladyHitRate: most, compulsoryMisses } = f.result.bounds;
  yield [f.result.config.bounds || most === null, 'a Belady bound that was switched off'];
  if (most == null) return;
  yield [most >= 0 && most <= 1 + ROUNDING, `a Belady hit rate of ${most}`];
  if (!f.prefetches) yield atMost('hit rate and that of Belady', f.of('cache.hit_rate'), most);
  if (!f.startsCold) return;
  const demanded = f.of('experts.demanded');
  yield atMost('hits of Belady and what is not demanded first', most * demanded, demanded - compulsoryMisses!);
}

function* compulsory(f: Figures): Iterable<Statement> {
  if (!f.startsCold) return;
  const brought = f.of('cache.misses') + f.of('prefetch.useful') + f.of('prefetch.late');
  yield atMost('compulsory misses and experts that were brought', f.result.bounds.compulsoryMisses!, brought);
}

function* bounds(f: Figures): Iterable<Statement> {
  const { allResidentTpotNs, beladyHitRate, compulsoryMisses, noCacheTpotNs, tokenCycleBytes } = f.result.bounds;
  const pairs = { 'all_resident.tpot': allResidentTpotNs, 'no_cache.tpot': noCacheTpotNs, 'belady.hit_rate': beladyHitRate };
  for (const [name, bound] of Object.entries({ ...pairs, compulsory: compulsoryMisses, token_cycle: tokenCycleBytes })) {
    if (bound == null) yield [!f.has(`bound.${name}`), `bound.${name} is a metric and no bound`];
    else yield same(`bound.${name}`, f.of(`bound.${name}`), bound);
  }
  if (beladyHitRate != null && beladyHitRate > 0) {
    const open = Math.max(0, 1 - f.of('cache.hit_rate') / beladyHitRate);
    yield same('headroom.hit_rate', f.of('headroom.hit_rate'), open);
  }
}

function* known(f: Figures): Iterable<Statement> {
  const tpot = f.of('latency.tpot.mean');
  if (f.has('bound.floor.tpot')) yield atMost('the floor of TPOT and that of the run', f.of('bound.floor.tpot'), tpot);
  if (!f.has('bound.found.tpot')) return;
  yield atMost('the best TPOT found and that of the run', f.of('bound.found.tpot'), tpot);
  // These schedules have links and a CPU without faults, and the floor has the dense work of the run.
  if (f.has('bound.floor.tpot')) yield atMost('the floor and the best TPOT found', f.of('bound.floor.tpot'), f.of('bound.found.tpot'));
  if (f.has('bound.floor.total')) yield atMost('the floor and the best time found', f.of('bound.floor.total'), f.of('bound.found.total'));
}

function* gpus(f: Figures): Iterable<Statement> {
  if (!f.has('parallel.gpus')) return;
  yield atMost('lowest hit rate of a GPU and of all', f.of('parallel.hit_rate.min'), f.of('cache.hit_rate'));
  yield atMost('hit rate of all GPUs and the highest of one', f.of('cache.hit_rate'), f.of('parallel.hit_rate.max'));
  yield atMost('imbalance and GPUs', f.of('parallel.imbalance'), f.of('parallel.gpus'));
  yield atMost('imbalance of events and GPUs', f.of('parallel.event_imbalance'), f.of('parallel.gpus'));
}

/** All laws, by what they say. */
export const LAWS: Readonly<Record<string, Law>> = {
  'figures are what their units allow': units,
  'L1 demand is distinct experts of activations': demand,
  'L2 every member is judged once': judgement,
  'layers and phases add up to the run': sums,
  'rates are counts over counts': rates,
  'L21 each phase has one speed': speeds,
  'drafted tokens are accepted or rejected': speculation,
  'L8 what is loaded crosses the link': transfers,
  'L8 misses are loaded, computed or skipped': misses,
  'L8 every prefetch has one fate': prefetches,
  'L8 bytes are whole experts, and residents fit': sizes,
  'L8 memory has a most and a least': memory,
  'L14 DRAM is read into before it is read': dram,
  'L9 the parts of time add up': time,
  'L9 passes are whole': passes,
  'percentiles ascend': percentiles,
  'L15 all resident is fastest': residence,
  'L15 Belady hits most': belady,
  'L15 the first use of an expert brings it': compulsory,
  'L15 bounds are told as metrics': bounds,
  'L19 floor, best found and run ascend': known,
  'GPUs lie around their mean': gpus,
};

/** What a result breaks, a line each; nothing where every law holds. */
export function brokenLaws(result: ResultJson): string[] {
  const figures = new Figures(result);
  return Object.entries(LAWS).flatMap(([name, law]) => [...law(figures)].filter(([holds]) => !holds).map(([, what]) => `${name}: ${what}`));
}
