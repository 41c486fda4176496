// The warnings of a result and what to do about them, two paragraphs a code: for `moeprof explain`.
import { AUDIT_TOPICS } from './audit.js';
import { type Topic, topicsIn } from './topic.js';

/** All warnings that a result may carry. */
export const WARNING_TOPICS: readonly Topic[] = [
  ...topicsIn(`
routing-reused
The workload has more tokens than the trace has rows, so part of the routing was walked more than once: requests beyond those of the trace begin at places drawn by seed, and long requests go on at such places. Lengths and arrivals are the workload’s own all the same.
Repeated routing flatters caches and above all predictors that learn, since they have seen it before. The metric workload.routing_reused says how much. Join more traces of the same model (--trace is repeatable) or serve fewer requests (--requests); comparing systems on the same workload is fair in any case.

routing-borrowed
The trace holds only one phase, prompt tokens or generated ones, and the workload needs both. Tokens of the missing phase took the routing of the other, row by row, as the walk of their request came by.
How experts are chosen differs less between the phases than between kinds of text, so hit rates stay meaningful; what a prompt touches in one pass may come out too small or too large. Record prompts too, where time to first token matters (docs/record-a-trace.md).

model-by-sizes
The trace names a model that is not bundled, in words that may be those of a hub or of a recorder. Nothing is opened by such a name: the bundled model with the same layers, experts and choices per token was taken, and of several the one whose name is nearest.
Layers, experts and choices are right, since they agree with the routing. The bytes of an expert are those of the model that was taken, and with them everything that is measured in bytes or time. Name the model that was recorded, or its config.json or GGUF file, with --model.

model-note
What is to be known of the model: its config.json names a family that moeprof does not know, and was read by the fields that such files usually have. The warning says what was read.
Compare the experts, the choices per token and the width with the model card. Where they are right, bytes and times are as good as for any other model; where not, write a profile of the model and name it with --model.

system-chosen
Nothing said which system runs, so one was taken. A model on a machine (moeprof run -m qwen3-30b-a3b -w rtx-3060+32GB) runs in on-demand-lru, the baseline that others are measured against: it loads each miss into a cache on the GPU, where llama.cpp has the CPU compute it. The quick start was run with a cache policy (moeprof run --policy s3-fifo) and nothing else about the system: its own system, llama.cpp-static, places experts before the run and computes the others on the CPU, so no expert ever enters the cache, and a policy would have nothing to decide.
For what llama.cpp does, take -s llama.cpp-static, or moeprof advise, which finds its flags. A policy runs in on-demand-lru, which loads each miss, and the title says so. The figures are those of that system: to compare them with the quick start as it is, look at both as systems. With -s and another system, the policy runs in that one.

synthetic-routing
The routing of this run was drawn by a generator, from a seed, with the statistics of the model as far as its profile knows them: how popular experts are, and how often a token stays with the experts of the one before. No model has computed it.
Good for trying moeprof, for comparing systems in principle, and for tests. Figures that somebody will rely on (buying memory, choosing a policy, a gate in CI) need recorded routing: docs on traces show how to record it from vLLM, SGLang, llama.cpp and transformers in a few lines. Give it with --trace.

machine-defaults
The machine was composed of parts (-w rtx-3090+ryzen-9-7950x), and not all of them were given. What is missing was taken from the parts that are there (memory that the CPU lists, the slot that the card takes) or from what is usual beside them, each in a sentence.
Experts on the CPU are as fast as its memory, and experts that are copied as fast as the slot: where these were taken and not given, expect the figure of a usual machine and not of yours. Give them: rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16+nvme-7GB/s. Measured rates go behind an @: 2xddr5-6000@70GB/s.

machine-calibrated
The file of the machine holds constants of this runtime that moeprof machine calibrate fitted to what the runtime printed on this very machine. The message says on how many speeds, and how far off others of the same log were predicted with them.
The check is the error to expect of runs like those of the log: the same model and runtime, another split or context. Other models are farther off. Without a check nothing is known of it: give one more timing. The constants stand in the file under measured.runtimes; moeprof machine show prints what they make of the machine.

runtime-idle
The file of the machine states what kernels reach on it (bandwidthFraction, computeFraction and overheads), as they were measured with the software that ran then. A runtime was named all the same; its shares and its times have no effect, and its overlap and its rule for prompts have.
Two runtimes that differ in shares and times alone give the same figures on such a machine. To compare runtimes, describe the machine by facts: leave the fractions and overheads out and give cores, clock and isa of the CPU, or compose it of parts (docs/hardware.md).

below-token-cycle
The expert cache is smaller than what a single token touches, in all layers together (global scope) or in some layer (layer scope). By the time the next token comes back to a layer, recency-based policies have evicted all its experts: hits are impossible or nearly so, however often the routing repeats itself.
More capacity is the plain answer: the message says how much one token needs. Where there is none, use a placement that does not chase the last token (static, or lfu), compute misses on the CPU (--on-miss cpu or cheaper), or a smaller quantization, which shrinks the token cycle with the experts.

degraded
A fault that the run was given was in effect for at least one pass. The message says what it was and when, and how decode, prefill, hit rate and stall were during it, and before and after it while nothing else was wrong; a pass counts where it began.
Links and the CPU change when the next layer’s routing becomes known, memory between two passes; what has been placed by then keeps its speed. Every request is served all the same, more slowly: see goodput and the tails of the latencies. fault.* sums over all faults.

fault-missed
A fault that the run was given was in effect for no pass: the run had ended before it struck, or no pass began while it lasted. The figures of the run are then those of one without it.
Times of faults are simulated times from the first arrival; time.total is the end of the run. Let the fault strike earlier or last longer, or replay more tokens.

pass-split
Passes are smaller than workload.maxTokensPerPass asks for. Activations grow with the tokens of a pass, and beside dense weights, KV caches and an expert cache of a size of its own there was no room for so many: the limit was halved until they fit, as people do with -ub when llama.cpp does not start. What a machine reserves holds passes of 512 tokens; what larger ones take beyond that is known of llama.cpp and ik_llama.cpp.
A prompt then streams the experts of its layers more often, once for each of its passes, and is slower by as much. An expert cache without a size of its own gives way instead: leave --cache out, or make it smaller, and compare speed.prefill with speed.decode, which loses by it.

does-not-fit
What the run needs is more than the machine has: dense weights, KV cache, staging buffers and expert cache on the GPU, or all experts in DRAM where there is no SSD tier below. moeprof simulates it all the same, since a question such as “what if the GPU had 32 GB?” is a fair one.
On a real machine this run would fail to start. The message lists the parts: take a smaller expert cache (--cache; leave it out to take what is left), a smaller quantization, fewer concurrent requests or shorter contexts; for DRAM, a machine with an SSD tier.

dram-too-small
The experts do not all fit into DRAM, so DRAM is itself a cache, of the SSD: an expert that is in neither is read from the SSD first and then copied to the GPU. It starts cold.
SSD reads are ten to fifty times slower than copies from DRAM, so a few per cent of them dominate the latency: look at transfer.ssd.* and at the tail of latency.itl. A smaller quantization that fits into DRAM usually beats any policy. memory.dramCache says how much of DRAM experts may take.

page-cache
The machine has one memory, the experts do not all fit into it, and the runtime maps the file. Then no placement says what stays: the operating system keeps the pages that were used last, and the file is read again where they are gone. It starts cold.
The run is one with the policy of the DRAM cache (system.dram.policy, lru) in place of the static placement. The first passes read nearly everything; look at transfer.ssd.* and at a longer run. An engine with a cache of its own (--runtime colibri, a system with a cache) or a smaller quantization reads less.

profiled-on-itself
A placement or a split over layers was profiled on rows that are then replayed, because system.cache.popularity names the trace of the run itself. A placement that has seen its test looks better than it will be on other text. Unless a file is named, it never is: synthetic routing is profiled on tokens drawn apart, and a recorded trace on the part of it that is held out; config.profiledOn says what it was.
Take the figure for what hindsight reaches. For a placement that is fixed beforehand leave system.cache.popularity out, or name another trace of the same model and kind of text. The optimism is small where the counted part is a small part of the trace, and large where it is most of it.

event-does-not-fit
At some of the capacities of a curve, the cache of a layer has fewer slots than one token chooses experts there. Whatever does not fit is executed from a staging buffer and never becomes resident.
No policy can help at such a capacity: part of every token is streamed by the shape of the demand, so policies lie close together there and the differences between them say nothing. Read the curve to the right of these points, give the cache more, or use one cache for all layers (--scope global).

streams-cut
The trace has fewer requests than the batch is to hold, so long requests were cut into several streams that start at even offsets and run together. Tokens in the middle of a request stand in for other requests.
Streams of one request resemble each other more than requests of different users do: the batch shares more experts than it would in service, and hit rates come out somewhat high. Latencies of whole requests mean little here. Join several traces (--trace is repeatable) or take a smaller --batch.

paths-previous
The scheduler groups requests by the experts that a predictor expects of each (paths=predicted), and the run has no predictor. It grouped by the paths that the same requests took one token before.
One token says less of the next than a predictor does, so grouping saves fewer loads here than the scheduler can. Give the run a predictor (--predictor), or name what it shall go by: paths=previous keeps to the tokens before and is silent, paths=next knows the paths that tokens really take, which no system does.

routing-drift
The routing in the run drifted away from what the predictor had learned: it was wrong far more often than before, in a row that chance does not explain. The adaptive predictor then corrects itself from its recent mistakes; the message counts how often it had to, and where it first happened.
Predictors of expert paths learn the kind of text as well as the model, so a change from prose to code is such a drift. Right after it recall falls and prefetches are wasted, until the correction catches up. Train on text like the one that is served (predictor.train); a gate on predict.recall_at_k tells a drift of the text from a change of the system.
`),
  ...AUDIT_TOPICS,
];
