// The metrics and how to read them, two paragraphs a family: for `moeprof explain` and everything else that shows a metric.
import { topicsIn } from './topic.js';

/** All families of metrics; every name of the catalogue is in exactly one. */
export const METRIC_TOPICS = topicsIn(`
variant.*
What routing variants (--variant, --top-k) made of the trace: experts per token and layer that are left (the true k), the activations and operations of routed experts that this saves against the model’s own top-k, and the share of choices that the token had not made before. Counted over the rows of the trace that the run may walk.
Savings in operations matter where the GPU computes for long, those in transfers where it waits: compare cache.misses and transfer.h2d.bytes_per_token with a run without the variant. Top-p and null experts change no choice, they leave some out; random and hash routing change nearly all. What fewer or other experts cost in quality no routing trace can tell.

rerank.*
What cache-aware routing did: among recorded candidates the choices were made by log gate weight plus a bonus for experts that lie in GPU memory (system.rerank). Changed are choices that the gate alone would not have made; gained is the share of choices that were resident, less what it would have been for the gate’s own choices at the same moment; lost is their gate weight.
The bonus lambda trades transfers for fidelity: with 0 nothing changes, with a large one tokens stay with what is resident. The gain is at equal residency; since the cache then also holds other experts, compare cache.hit_rate with a run at lambda 0 for the whole effect. The lost weight stands in for quality: a few per cent are what papers call harmless.

switch.*
Where each expert is a whole model (a composition of experts), an on-demand load is a switch from one model to another: how many there were, how long the accelerator waited for one, and how many a request needs. A request whose model is in fast memory already needs none.
The time of a switch is the size of a model over the bandwidth of the link into fast memory, and adds to the time to first token of the request that asks for it. Compare machines by it; a larger cache or a policy that keeps popular models makes switches fewer, not shorter.

footprint.*
How many whole models fit: into the fast memory of one machine beside the KV cache, into the memory that it can switch from without an SSD, and how many machines of the kind would hold every model in fast memory, so that none is ever switched.
What one machine reaches over what another one holds is how many of the other it replaces, as long as switching is fast enough for the rate of requests (see switch.time). The number of machines to hold all is the price of not switching at all.

parallel.gpus parallel.hit_rate.* parallel.imbalance parallel.event_imbalance
How a machine of several GPUs shares the work. Requests are dealt out over the GPUs, each expert lives where the placement puts it (system.placement), and every GPU has a cache of its own for the experts that live on it. The hit rates are those of the GPU that fares worst and of the one that fares best; cache.hit_rate is over all. Imbalance is the activations of the busiest GPU over the mean of all: over the whole run, and event by event.
All GPUs wait for the slowest at every layer, so it is the imbalance of events that costs time: at 200 % half of the machine stands still, which shows in time.stall. Small batches are never balanced, whatever the placement. Where the imbalance of the whole run is large too, some experts are asked for more than others: place by popularity, or replicate the most popular ones.

parallel.crossing_rate parallel.overlap_degree transfer.all_to_all.* time.all_to_all.* share.all_to_all
What it costs that tokens and experts meet on different GPUs. The crossing rate is the share of activations that are computed elsewhere than on their token’s GPU; each is sent there and back (dispatch and combine, two all-to-alls per event), hidden size times two bytes each way. Their time is what they add to events, over what the same events would take if activations were everywhere at once. The overlap degree is the number of chunks in which events went through dispatch, execution and combine.
With n GPUs and even placement about (n - 1) / n of the activations cross; replicated experts bring it down. Where little is sent, the time is the latency of the exchange, twice a layer, and no placement changes it. Overlap (system.overlap) hides large exchanges behind execution and makes small ones worse, since each chunk pays the latency and reads the weights again; adaptive chooses for every event.

latency.queueing.*
How long requests wait before anything of theirs runs: from arrival to the start of the first pass that holds one of their tokens. It is part of the time to first token. In a closed loop it is next to nothing, since a user sends a request only when the last one is answered.
Queueing grows without bound as soon as requests arrive faster than they are served: compare the rate of arrival with what throughput.total reaches when it no longer rises. Below that, a long tail means bursts, or a KV cache that is full (memory.gpu.kv_peak near its room): a smaller expert cache, more KV room (memory.kv) or a larger --batch help.

goodput.*
What is left of the throughput when only requests count that kept their objective (--slo): every limit that stands there, on the time to first token, the time per output token or the whole request, of the request’s own class where classes differ. The ratio counts requests, the rate the tokens that they generated.
Goodput rises with the rate of arrival as long as objectives are kept and then falls, often to nothing, while throughput merely stops rising: the peak is the load that a machine can be given. Look at latency.ttft and latency.tpot to see which limit breaks first; queueing breaks the first, batches that touch many experts break the second.

workload.*
The requests that were served, and how much of their routing is fresh. Lengths and arrivals come from the workload, routing from the trace: each request walks rows of the trace, and where the trace is shorter than the workload, rows are walked again from places drawn by seed.
Routing that repeats is more predictable than real routing, so caches and predictors that learn look better the more was reused. Compare systems at equal reuse; for figures to rely on, join enough traces that little is reused, or serve fewer requests (--requests).

schedule.passes.* schedule.longest_wait schedule.overtaken schedule.passed_over schedule.time
What a scheduler does to requests and to time, in passes: how many it composed; the longest wait of a request for its first pass; how long one had waited when a later one began before it; and the longest row of passes that left out a request which had begun. The time is what composing passes takes by the scheduler’s own model, as far as it is not hidden behind the pass before.
The longest wait grows with the load under any scheduler. The other two are unfairness, and every scheduler keeps a bound on them, mostly its parameter maxWait (docs/schedulers.md); first come, first served has none of either. A scheduler that groups similar requests trades inter-token latency for fewer loads: the p99 of latency.itl shows the price, experts.distinct_per_event the gain.

schedule.preemptions schedule.recomputed
With KV caches that grow block by block (memory.kvGrowth: grow), requests are admitted as soon as their prompt fits. When a running request then finds no block for its next token, the one that was admitted last is thrown out: it loses its KV cache, waits, and later runs all of its tokens so far again, as a prompt. Recomputed counts those tokens; they are in no throughput.
A few are the price of admitting more requests at a time, and cheaper than reserving every output in full. Where recomputed tokens are more than some per cent of all, requests push one another out: lower --batch, give KV caches more (memory.minExpertCache, a smaller --quantization), or take memory.kvGrowth: reserve, which throws nobody out.

memory.gpu.expert_cache_least memory.gpu.expert_cache_mean
The expert cache gives memory up during the run: to KV caches, where memory.kvGrowth is reserve or grow, and to faults that take GPU memory. These are its smallest capacity, and its capacity averaged over time; with several GPUs that of the one with the least, and a mean over all. memory.gpu.expert_cache is the most that it ever has.
The hit rate follows the mean, the worst inter-token latencies follow the least. bound.belady.hit_rate is computed at the same capacity at every event, so headroom.hit_rate still tells what a better policy would gain. Where the least is far below the mean, a few long requests take the room at one time: see schedule.preemptions and latency.queueing for what a smaller share of theirs would cost.

fault.*
What faults (faults: in a profile, or --fault) cost: decode and prefill speed, hit rate and stall of the passes that began while at least one was in effect, beside those of the passes that began while none was. A pass counts where it began, in whole. Restarts are prefetches whose lane was lost, and that ran again on another.
The warnings of the run tell each fault apart, with the figures before, during and after it; compare a run without faults for what the whole cost. A slower link shows in the stall and leaves the hit rate alone; lost GPU memory shows in the hit rate first. Where “after” stays worse than “before”, the cache is still filling up again, or requests have queued meanwhile.

schedule.loads schedule.loads_in_order schedule.regrouped schedule.merge_time schedule.batch_wait
ExpertFlow’s own figure of merit: for each batch and each layer, the distinct experts that its tokens choose beyond those that fit into the cache, summed. Once for the batches that the scheduler composed by predicted path, once for the same requests in order of arrival; both are counted on the paths that the tokens really take. A round is regrouped where the loads that this saves, as predicted, take longer than moving KV caches of requests that change their batch; what that took, and how long a token waits for the batches of its round before its own, is told beside.
Their ratio is what grouping saves, free of what the cache happens to hold. It should be well below 1 with many experts and few per token, and near 1 where a batch touches nearly all experts anyway (Mixtral at batch 16). With paths: previous it also shows what is left of the gain when the predictor is only as good as the last token.

memory.gpu.kv_peak
The most KV cache that running requests had set aside at one time. A request is admitted only when there is room for all of its prompt and output (with memory.kvGrowth: grow, for its prompt), so that none has to be thrown out again, and gives its room back when it has finished.
Near the room that there is (memory.kv, or what the GPU leaves beside weights and expert cache), requests wait for memory and not for compute: see latency.queueing. Far below it, the room is better given to the expert cache with a smaller memory.kv.

cache.hit_rate.* cache.hits.*
The experts that an event demands (the distinct experts of one pass at one MoE layer) are judged against the expert cache at the moment the layer’s routing becomes known, before the event changes anything. A hit is an expert that is resident then. The hit rate is hits over all demanded experts, so that an expert that a batch demands for ten tokens counts once. Hits, late arrivals and misses add up to the demand.
Higher is better, but only up to Belady: bound.belady.hit_rate is what perfect knowledge of the future would reach at this capacity, and headroom.hit_rate says how much of that is still open. A small headroom means that the policy is good and only more capacity (--cache) or a prefetch helps; a large one means that another policy or scope may. Prefill demands nearly all experts of a layer and has another hit rate than decode: read them apart.

cache.hit_rate_counting_late.*
The hit rate of a counter that looks after waiting for prefetches that are under way, and so takes a late expert for a hit: hits and late arrivals over all demanded experts. ExpertFlow’s own code counts so: it waits for the event of a layer’s prefetches and then asks which experts are resident.
It is the figure to hold beside published hit rates of systems that count in this way. It hides the wait: a link that is too slow shows in cache.hit_rate and in time.stall, and not here. The difference to cache.hit_rate is cache.late_rate.

cache.late_rate.* cache.late.*
A late expert is one whose prefetch was under way when the layer’s routing became known, but had not arrived. It is neither a hit, since the GPU has to wait, nor a miss, since the wait is shorter than a whole transfer. The rate is late experts over all demanded ones.
Late arrivals show a predictor that is right too late: a longer horizon (predictor.horizon) starts transfers earlier, a smaller prefetch (prefetch.perLayer, prefetch.minProbability) clears the link for those that matter. Where the link is busy all the time (transfer.h2d.utilization near 1) no predictor makes them arrive in time. Without prefetch there are none.

cache.miss_rate.* cache.misses.*
A miss is a demanded expert that is neither resident nor under way. What happens then is the system’s miss action: the expert is loaded and waited for, or computed on the CPU where it lies, whichever the system says. The rate is misses over all demanded experts.
Misses are what offloading costs. Some no cache avoids: the first demand of each expert (bound.compulsory). The others come from too little capacity or from a policy that keeps the wrong experts; bound.belady.hit_rate tells the two apart. moeprof compare --explain shows which layers carry a change, moeprof report -v the misses of each layer.

cache.token_hit_rate.*
Activations (token-expert pairs) whose expert was resident, over all activations. An expert that ten tokens of a batch share counts ten times, where the hit rate counts it once. At batch 1 in decode both are equal.
It is the share of the work, rather than of the transfers, that found its expert. At larger batches it lies above the hit rate where popular experts are resident, which is what a cache should do; below it, the cache holds experts that few tokens ask for. Papers report either of the two without saying which: compare like with like.

cache.evictions.*
Experts that left the expert cache to make room for another. Evicting moves no bytes, since weights are read-only and the lower tier still holds them, unless the tiers are exclusive. Experts that a running event demands, and those in flight, are never evicted.
Evictions without misses do not exist: each stands for a later load, or for an expert that nobody wanted again. Many more evictions than misses mean that prefetches push experts out (look at prefetch.wasted). None at all after the warm-up mean that everything fits.

cache.copy_hit_rate cache.copy_hits cache.copy_evictions transfer.copies.*
Low-precision copies that stay on the GPU (system.cache.copies). A copy hit is a miss of the expert that its copy serves, which is there: nothing is transferred, and its activations are degraded. cache.hit_rate counts experts that are there whole, and copy hits are misses to it. Copies that are not there are on-demand loads: transfer.copies has their count and bytes.
Add cache.copy_hit_rate to cache.hit_rate for the share of demands without a transfer, and look at quality.degraded_rate for what that costs. Copies take room from whole experts, which serve every choice: compare time.stall at several values of system.cache.copies.share.

cache.streamed.*
Experts that were executed from a staging buffer without ever becoming resident: because all residents were pinned by the running event, or because the policy did not admit them (Belady with bypass, static placement). They are misses, and cost a transfer each time.
It has no better side of its own. A static placement streams by design. With LRU-like policies, streaming means that one event demands more experts than the cache holds (see below-token-cycle, and large prefill batches): take a larger cache, or smaller passes (workload.maxTokensPerPass).

experts.demanded.* experts.activations.* experts.distinct_per_event.* experts.distinct
What the routing asks for, whatever the system: demanded experts (distinct per event, summed), activations (token-expert pairs; null choices do not count), their quotient per event, and how many different experts the whole run touched. They depend on the trace and on how tokens are batched, not on cache or predictor.
They are the denominators of all rates, and the first thing to look at where two runs differ that should not. Distinct experts per event at batch 1 is the top-k of the model; how slowly it grows with the batch says how much a batch shares. A scheduler that groups similar requests lowers it. A budget of any regression on them catches a trace that has changed.

transfer.h2d.* transfer.ssd.*
What crosses a link: h2d from host memory to the GPU, ssd from the SSD to DRAM (or to unified memory). Count, bytes, bytes per token of the run, and utilization, the share of the run in which the link is busy. Transfers that started count, on demand and prefetched alike; what is left of them when the run ends is no part of the utilization.
Bytes per token over the link’s bandwidth is a floor of the time per token: if it is near TPOT, the link is the bottleneck, and fewer bytes (a larger cache, a smaller quantization, better prediction) are all that helps. A low utilization with much stall means that transfers are made too late, not that there are too many: prefetch helps.

transfer.on_demand.*
On-demand loads: transfers to the GPU that an event had to wait for. Their count and bytes, and both per token of the run. A miss that is computed on the CPU is none, and neither is a prefetch, even a late one.
The shortest description of what offloading costs: so many loads and so many bytes per token, each of which the GPU waits for. Multiplied with the time of one transfer it explains most of time.stall. Compare systems by it before looking at latencies, which depend on the machine too.

transfer.prefetch.*
Prefetches that started, and their bytes. A prefetch that is planned and then cancelled, because the layer’s routing turned out otherwise before its transfer began, is not counted: it moved nothing.
More is neither better nor worse; what became of them is in prefetch.useful, late and wasted. Together with the on-demand loads they are all the transfers on the link.

prefetch.useful prefetch.late prefetch.wasted prefetch.pending prefetch.wasted_bytes
What became of the prefetches that started: useful ones had arrived when they were demanded, late ones were demanded before, wasted ones left the cache without having been demanded, pending ones had met neither fate when the run ended. The four add up to transfer.prefetch.count.
Wasted bytes are the price of prefetching: they occupy the link and push out residents. Much waste asks for a higher prefetch.minProbability or a shorter horizon; many late ones for a longer horizon or a faster link. Many pending ones in a short run mean that its figures are not settled: replay more tokens.

prefetch.precision prefetch.recall
Precision: of the prefetches whose fate is known, the part that was demanded, in time or late. Recall: of all demanded experts that a transfer had to bring, the part that a prefetch brought. Residents that were predicted count in neither: nothing had to be moved for them.
They trade against each other: prefetching more raises recall and lowers precision. What matters is the sum, the stall. These are figures of the prefetch as it was carried out, within its limits and with its evictions; how well the predictor itself sees the routing is predict.recall_at_k.

prefetch.stall_avoided prefetch.stall_avoided_per_byte
The stall that prefetches saved: what loading the demanded ones on demand would have taken on an idle link, less what late ones were still waited for; and the same per byte that prefetches moved, wasted ones included.
Per byte, a perfect prefetch saves as much as the link needs for a byte; the nearer the figure is to that, the less the link works in vain. It is an estimate from below: on-demand loads queue behind one another, and a busy link would have made each of them dearer.

prefetch.promoted prefetch.dropped prefetch.cancelled prefetch.paused prefetch.horizon
What became of planned prefetches that never started: dropped ones found no slot that they were allowed to take, cancelled ones were no longer wanted when their layer was known or the plan was made anew, and paused ones were left out by a budget (prefetch.budget). The horizon is how many layers ahead an adaptive planner looked when the run ended.
Neither costs bytes. Many dropped ones say that the cache is full of experts that are wanted as much; many cancelled ones that the link cannot bring in time what is planned, so that the plan is larger than it needs to be.

quality.degraded_rate quality.substituted_rate quality.skipped_rate quality.deferred_rate
Activations that were not served as the model wants: from a low-precision copy of their expert, by another expert, one layer late (defer), or not at all. Only systems with lossy rules of misses have them.
This is a cost in quality, which a routing trace cannot price: compare such a system with others only beside these shares, and measure the quality of the model at them elsewhere.

predict.time
What a prediction takes, on average: prefetches that follow from it start so much later. On the host it was measured with moeprof’s own predictors on one core, and goes with the clock of the machine’s CPU, the tokens of the pass and the experts that are scored. The predictor gate runs the gates of the layers that it predicts on the GPU: their weights are read, and kernels launched, for each. costNs of the predictor says another time.
Against the time of a layer it says whether the predictor is fast enough: a prediction of the next layer that takes longer than the layer foretells nothing. Predictors that stand for what is made elsewhere (oracle, supplied, pre-gated, whole-layer) take none, and with the runtime ideal none does: give costNs where you know better.

predict.recall_at_k predict.batch_recall
How well the predictor sees the routing, before any limit of link or cache. recall_at_k: of an event’s |D| demanded experts, those among the |D| predicted as most probable, over all events; at batch 1, |D| is the layer’s top-k. batch_recall: of an event’s demanded experts, those predicted for the batch as a whole.
A predictor with high recall and a prefetch with low recall are held back by the link or by the cache; the other way round there is nothing to gain from more bandwidth. Papers report recall or accuracy per token at various horizons: compare at the same horizon (predictor.horizon) and on the same kind of text, since predictors learn the text as well as the model.

latency.ttft.*
Time to first token of a request: from its arrival to the end of the pass that gives its first token, waiting for the batch included. Mean, median, 95th and 99th percentile over requests, by linear interpolation as serving benchmarks do. Absent where the trace has no prefill.
Prefill demands nearly every expert of a layer once, so TTFT under offloading is mostly one walk of all experts over the link: it hardly depends on the cache policy, and strongly on the bandwidth, on the prompt’s length, and on how many tokens one pass may have (workload.maxTokensPerPass).

latency.tpot.*
Time per output token of a request: from its first token to its last, over the number of tokens between. One value per request; mean, median, 95th and 99th percentile over requests. It is the figure that most papers on offloading report, some as its inverse, tokens per second.
Read it between its bounds: bound.all_resident.tpot is what the same passes would take with every expert resident, bound.no_cache.tpot with none: headroom.tpot says where between them this run is. A change of TPOT is explained by moeprof compare --explain: which layers, whether by stall or by compute, and by which misses.

latency.itl.*
Inter-token latency: between two consecutive output tokens of a request, one value per token rather than per request. Its mean resembles TPOT; its tail shows the single tokens that had to wait long.
A p99 far above the median comes from tokens whose experts were all missing, or from a prefill of another request in the same pass (chunked prefill lengthens the passes of those who decode). The former a larger cache mends, the latter smaller passes.

latency.pass.*
Duration of one forward pass of the batch, whatever it contains: prefill, decode or both, all layers with their stalls. One value per pass; mean, median, 95th and 99th percentile over passes.
The engine’s own clock: TTFT, TPOT and ITL are sums of passes. Its percentiles depend on the mix of prefill and decode, so compare runs of the same workload only; for one request at a time, ITL says the same and is known better.

latency.request.*
End-to-end latency of a request: from its arrival to its last token. TTFT plus the time of all further tokens; waiting for a place in the batch is in it.
What a user feels, and the figure for service levels on whole answers. It grows with the length of the answers, so two traces with different lengths cannot be compared by it; TPOT can.

speculation.*
Speculative decoding (workload.speculation): each request drafts tokens, and one pass verifies them beside the token that is known. Those that are right are generated at once, and the model gives one more after them; those that are wrong have run for nothing. Tokens per pass counts what a request gets from such a pass, 1 to draft + 1; wasted activations are the token-expert pairs of wrong tokens; the draft time is what drafting takes before the passes. Redone tokens were right, and ran again because the state of recurrent layers had run wrong ones after them (rollback: redo).
A pass of more tokens demands more experts, so with experts off the GPU it takes longer: drafting pays where tokens per pass rise faster than the time of a pass (latency.pass). Draw the break-even with moeprof sweep --vary workload.speculation.draft=0..8. Where most of the activations are wasted, draft fewer tokens: the acceptance falls with every position.

speed.*
How fast a run is, one figure for each phase, as llama-bench measures them. Decode (tg): tokens after the first of an answer over the time from the first to the last. Prefill (pp): prompt tokens over the time from the start of the request’s first pass to its first token, so that queueing is not in it. Both sum tokens and times over requests: with several users this is the speed that one of them sees. Absent where a run decodes nothing, or has no prompt.
These are the figures to hold against a measured engine, and rankings go by the first. speed.decode is the inverse of the mean of latency.itl, and of latency.tpot where answers are equally long. With a larger batch it falls, while throughput.generated rises. Where prompts of others share passes with decoding (chunked prefill), they are in the decode time of those who wait.

throughput.*
Tokens per second of the whole run and all its users: generated ones, and prompt and generated ones together, over the simulated time from the first arrival to the end of the last pass, prompts and idle time included. The first token of an answer comes with the end of its prompt and counts in neither.
What a machine gets done, which is no speed: a long prompt lowers throughput.generated and raises throughput.total, and neither says how fast it decodes (speed.decode). They rise with the batch, since tokens share experts, while each user waits longer: decide by the one that your service promises.

time.total time.dense.* time.dense_cpu time.compute.* time.stall.* time.stall_cpu.* time.stall_ssd.* time.cpu.* share.stall
Where the simulated time goes: dense is attention, shared experts, dense layers and the head on the GPU, and of it dense_cpu on the CPU where the run leaves layers or KV caches there (memory.gpuLayers, memory.kvIn); compute is routed experts on the GPU, or on the CPU in layers that it holds; stall is the GPU idle inside an event, waiting for an expert to arrive or, stall_cpu of it, for the CPU to compute; where an SSD is read, stall_ssd of it waits for that, and stall less the two for the link; cpu is expert compute on the CPU, beside the GPU. Total is all of it, with the idle time between passes. share.stall is stall over total.
Dense and compute stay the same whatever is cached; stall is what offloading adds, and the only part that caching and prefetch can lower. A run with little stall is as fast as this machine gets: then look at the dense part (context length, quantization). Kernel times are estimated by a roofline of the hardware profile; calibrate that for absolute figures.

memory.gpu.peak memory.gpu.allocated memory.gpu.expert_cache memory.gpu.copies memory.gpu.saving memory.dram.* memory.kv_tokens
Memory in bytes (and kv_tokens, the tokens of context whose KV caches were held at once at most): peak on the GPU (dense weights, KV cache of the longest requests, staging buffers and the experts that were resident at most), what is set aside for all that (allocated: the same with the whole expert cache, which a short run does not fill), the capacity of the expert cache and the part of it that low-precision copies have, the share saved against keeping every expert on the GPU, and the most that was taken in DRAM: by experts and, where the run leaves layers or KV caches to the CPU, by dense weights (dense) and KV caches (kv_peak).
Allocated is to be compared with what the GPU has after driver and framework (the reserve of the hardware profile); does-not-fit warns where it is more. moeprof curve shows what each further GiB of expert cache buys, moeprof plan how much is needed for a given latency.

bound.all_resident.tpot bound.no_cache.tpot headroom.tpot
The same passes on two ideal clocks: with every expert resident, nothing ever waits; with no cache, every demanded expert is loaded over idle links. The headroom is the part of the way from the second to the first that is still open: 0 is as fast as all resident, 1 as slow as no cache.
A system cannot be faster than all resident at the same compute, and should not be slower than no cache; one that is prefetches so much that demands wait behind it. Computing misses on the CPU can beat no cache by far. Use headroom, not TPOT itself, to compare systems across machines.

bound.lru.tpot bound.belady.tpot bound.foresight.tpot bound.floor.tpot headroom.foresight
What knowing gives: the same passes under LRU on demand over all layers, which knows the past; under Belady on demand, which knows whom to keep; where all that is demanded is known beforehand and fetched whenever the link is idle, in the place of what is used last; and the floor, the work of the GPU or the fewest transfers that this capacity allows, whichever is more. The headroom is the part of the way from LRU to foresight that is still open.
Between the floor and foresight lies what no prediction can better. A large headroom with a good hit rate means that hits come too late or that prefetching waits behind itself; one that stays large with --predictor oracle means that the policy, not the prediction, is the limit; foresight itself far above all resident means that the link is. Reports say which of the three is the largest part. --no-foresight leaves them out, which saves a plain run a third of its time, and one with a predictor a sixth.

bound.belady.hit_rate bound.compulsory headroom.hit_rate
What no cache can exceed. Belady evicts the expert whose next use is furthest ahead, and does not admit one that is needed later than all residents: the best any policy could do at the same capacity and scope, with the future known. Compulsory misses are first demands, which even it pays, unless the system places experts before the run: then Belady may place the best too. The headroom is the part of its hit rate that is still open.
Headroom near 0: the policy is as good as it gets, spend on capacity or prefetch instead. Headroom of a third or more: recency alone misses something in the routing; try frequency (lfu), s3-fifo or plec. Where experts of one cache differ in size the figure is a bound on Belady, a point or two above what it would reach. --no-bounds leaves it out, which makes a run a quarter faster or so.

bound.token_cycle
Bytes of experts that one token touches on its way through all layers: top-k experts of each. It is a property of the model and its quantization, not of the trace.
A global cache smaller than it cannot help LRU, FIFO, CLOCK and other policies that keep what was used last: when a token comes back to the first layer, that layer’s experts are gone, and the hit rate is zero. Give the cache more than one token cycle, split it by layer (--scope layer), or place experts statically. See below-token-cycle.

wall.run
Wall-clock time that moeprof itself takes for the run on this machine. It is the only metric that is measured: --repeat n runs n times after a warm-up, keeps all samples, and gives their median. Everything else is simulated and the same on every machine.
It says how fast moeprof is, nothing about the system that it simulates. Since it is noisy, moeprof compare judges it by its samples: Mann-Whitney’s test, corrected for the number of tests, and a bootstrap interval; a change that noise explains is shown as ~ and breaks no budget. Take five repeats or more.
`);
