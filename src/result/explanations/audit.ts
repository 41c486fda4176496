// The findings of the audit, as warnings of a result and in `moeprof trace audit`: for `moeprof explain`.
import { topicsIn } from './topic.js';

/** All findings of the audit. */
export const AUDIT_TOPICS = topicsIn(`
warm-up-rows
The trace has long runs of one and the same row. Engines run dummy batches when they start (to compile kernels, to size memory), and recorders that are switched on too early log them as tokens. In three published recordings they make up 31 to 87 % of all rows.
An equal row always hits, so hit rates are too high and a handful of experts looks popular. Cut the rows out with moeprof trace convert --tokens, and switch the recorder on after the engine has answered its first request.

dense-layers
Some layers choose the same experts for every token, or none at all. Recorders that size their buffers by the number of decoder layers leave the dense ones at zero, so they read as layers in which every token chooses expert 0.
Such layers hit on every token and take cache space from those that route. Keep the real MoE layers with moeprof trace convert --layers; the message says which. Rows of several zeros are refused or left out when the file is read, because no token chooses an expert twice.

cached-prefix
Rows at the start of requests choose no expert at any layer: the engine took these positions from its prefix cache, never ran the model on them, and recorded -1. Their routing exists nowhere in the file.
The run charges nothing for these tokens, as the engine did. For figures about prompts that are computed, record with prefix caching off. Decode rows are not concerned, apart from a cache that starts colder than it would have been.

row-count
A request of p prompt tokens and g generated ones has p + g - 1 routed rows, because the last sampled token is never forwarded. This trace has rows too many (an empty or copied last row), begins at position 1, or jumps over positions.
One row too many changes little; a shift by one gives every token the routing of its neighbour, which ruins what is learned from token ids. Missing positions hide demand and join tokens that were not neighbours. Record again, or cut the row with moeprof trace convert --tokens.

strided-view
The tensor ffn_moe_topk of llama.cpp is a view into the full sorted list of experts, with the stride of the list. A logger that reads it as if it were packed gives prompt token 1 the ranks k to 2k-1 of token 0, and so on: permutations of all experts instead of routing.
Prompt rows of such a file are worthless and cannot be mended: neighbours never share an expert. Decode passes have one token and are right. Record again with a logger that honours nb[1].

ragged-layers
Some layers have choices in fewer rows than others. Of a prompt, llama.cpp routes only the last token at the last layer, which is no mistake and noted only; layers that differ in any other way have lost rows.
Layers with lost rows demand less than they did, so transfers are too low there. Look at the recorder (buffers that overflowed, layers on another device), or keep the layers that are whole with moeprof trace convert --layers.

rank-order
The choices of a token are sorted by expert number, or stand in no order of their gate weights. moeprof takes the order of a row for the rank order of the router: the first choice is the one with the largest weight.
Within an event the order decides which expert counts as used last, so hit rates change by tenths of a point; whatever looks at ranks is wrong. Record top-k indices as the router returns them, and sort them by weight for routers that return them unsorted (DeepSeek).

physical-ids
Expert-parallel serving copies busy experts and moves them between devices. Recorders inside the engine then write the number of the slot instead of the expert, and its meaning changes whenever the balancer moves experts. SGLang keeps the last placement only.
Copies count as different experts and moved ones as others, so popularity and reuse are wrong by an amount that nobody can tell afterwards. Record with balancing off; with a known map, moeprof trace convert --remap puts ids back.

repeated-text
A tenth or more of the tokens lies in runs of 16 tokens that occurred before: shared prompt templates, licence headers, or greedy decoding that goes round in circles. Repeated text repeats its routing.
Reuse, hit rates and the recall of predictors come out higher than on text that does not repeat. If production traffic shares templates in the same way, the figures are right for it; otherwise record distinct texts, or drop requests with moeprof trace convert --requests.

mixed-requests
Rows resemble a row some places before them more than their neighbour: the tokens of a batch were written one after another, with no request ids to tell them apart. Each row then follows a token of a stranger.
At batch 1 reuse and hit rates come out too low, since in truth each request followed itself; latencies of requests mean nothing. Record with request ids, one request at a time, or sort the rows by request before they are given to moeprof.
`);
