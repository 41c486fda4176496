// What a change of routing costs in an unmodified llama.cpp: quality MODEL.gguf TEXTS [REFERENCE.gguf], TEXTS being documents with a zero byte after each.
// Reads every text once as the model is (or as REFERENCE is) and once under each change, and prints a JSON line a change: the mean
// Kullback-Leibler divergence of the next token in nats, the share of tokens whose likeliest next token is the same, and the share of choices that were
// changed. Changes are made through cb_eval, between the operations of the graph: ids of experts in `ffn_moe_topk-LAYER`, gates in
// `ffn_moe_weights-LAYER` (build_moe_ffn, src/llama-graph.cpp of v0.5.0), the gates before they are renormalised.
#include "ggml-backend.h"
#include "ggml.h"
#include "llama.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr int MOST_TOKENS = 384;

// What is done to the choices of one token at one layer: ids and gates by rank, all experts by falling gate, and how often each was chosen before.
struct Choices {
    std::vector<int32_t> ids;
    std::vector<float> gates;
    std::vector<int32_t> ranked;
};
using Change = std::function<int(int layer, Choices & choices)>;  // how many choices were changed

std::map<int, std::vector<long>> uses;  // by layer: choices of each expert in the unchanged model

struct Hearing {
    const Change * ids = nullptr;
    const Change * gates = nullptr;
    bool counting = false;
    long changed = 0, seen = 0;
};

int layer_of(const char * name, const char * kind) {
    const size_t length = strlen(kind);
    if (strncmp(name, kind, length) != 0 || name[length] != '-') return -1;
    char * end = nullptr;
    const long layer = strtol(name + length + 1, &end, 10);
    return *end == '\0' ? (int) layer : -1;  // a name goes on where a view of it is meant
}

// Ids of the experts that each token chose at a layer: a view of the first columns of all experts by falling gate.
void hear_ids(ggml_tensor * t, int layer, Hearing & hearing) {
    const int chosen = t->ne[0], tokens = t->ne[1], experts = t->view_src->ne[0];
    std::vector<int32_t> all((size_t) experts * tokens);
    ggml_backend_tensor_get(t->view_src, all.data(), 0, all.size() * sizeof(int32_t));
    auto & counts = uses[layer];
    counts.resize(experts);
    bool written = false;
    for (int token = 0; token < tokens; token++) {
        int32_t * row = all.data() + (size_t) token * experts;
        if (hearing.counting) for (int rank = 0; rank < chosen; rank++) counts[row[rank]]++;
        hearing.seen += chosen;
        if (hearing.ids == nullptr) continue;
        Choices choices{ { row, row + chosen }, {}, { row, row + experts } };
        const int changed = (*hearing.ids)(layer, choices);
        hearing.changed += changed;
        written |= changed > 0;
        std::copy(choices.ids.begin(), choices.ids.end(), row);
    }
    if (written) ggml_backend_tensor_set(t->view_src, all.data(), 0, all.size() * sizeof(int32_t));
}

void hear_gates(ggml_tensor * t, int layer, Hearing & hearing) {
    const int chosen = t->ne[0] * t->ne[1], tokens = t->ne[2];  // [1, chosen, tokens]
    std::vector<float> all((size_t) chosen * tokens);
    ggml_backend_tensor_get(t, all.data(), 0, all.size() * sizeof(float));
    for (int token = 0; token < tokens; token++) {
        float * row = all.data() + (size_t) token * chosen;
        Choices choices{ {}, { row, row + chosen }, {} };
        hearing.changed += (*hearing.gates)(layer, choices);
        std::copy(choices.gates.begin(), choices.gates.end(), row);
    }
    ggml_backend_tensor_set(t, all.data(), 0, all.size() * sizeof(float));
}

bool hear(ggml_tensor * t, bool ask, void * given) {
    Hearing & hearing = *(Hearing *) given;
    const int ids = layer_of(t->name, "ffn_moe_topk"), gates = hearing.gates ? layer_of(t->name, "ffn_moe_weights") : -1;
    if (!ask && ids >= 0) hear_ids(t, ids, hearing);
    if (!ask && gates >= 0) hear_gates(t, gates, hearing);
    return ids >= 0 || gates >= 0 || !ask;
}

// Logarithms of the probabilities of each next token of all texts, [token, vocabulary].
std::vector<float> read_all(llama_model * model, const std::vector<std::vector<llama_token>> & texts, Hearing & hearing) {
    const int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
    std::vector<float> out;
    for (const auto & text : texts) {
        llama_context_params params = llama_context_default_params();
        params.n_ctx = params.n_batch = params.n_ubatch = MOST_TOKENS;
        params.cb_eval = hear;
        params.cb_eval_user_data = &hearing;
        llama_context * context = llama_init_from_model(model, params);
        llama_batch batch = llama_batch_init(text.size(), 0, 1);
        for (size_t i = 0; i < text.size(); i++) {
            batch.token[i] = text[i];
            batch.pos[i] = i;
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i] = true;
        }
        batch.n_tokens = text.size();
        if (context == nullptr || llama_decode(context, batch) != 0) { fprintf(stderr, "the engine cannot read a text of %zu tokens\n", text.size()); exit(2); }
        for (size_t i = 0; i < text.size(); i++) {
            const float * logits = llama_get_logits_ith(context, i);
            const float most = *std::max_element(logits, logits + vocabulary);
            double sum = 0;
            for (int v = 0; v < vocabulary; v++) sum += std::exp((double) logits[v] - most);
            const float log_sum = most + std::log(sum);
            for (int v = 0; v < vocabulary; v++) out.push_back(logits[v] - log_sum);
        }
        llama_batch_free(batch);
        llama_free(context);
    }
    return out;
}

void print(const char * change, const std::vector<float> & base, const std::vector<float> & other, int vocabulary, const Hearing & hearing) {
    double divergence = 0;
    long same = 0;
    const size_t tokens = base.size() / vocabulary;
    for (size_t token = 0; token < tokens; token++) {
        const float * p = base.data() + token * vocabulary;
        const float * q = other.data() + token * vocabulary;
        for (int v = 0; v < vocabulary; v++) divergence += std::exp((double) p[v]) * ((double) p[v] - q[v]);
        same += std::max_element(p, p + vocabulary) - p == std::max_element(q, q + vocabulary) - q;
    }
    printf("{\"change\":\"%s\",\"tokens\":%zu,\"divergence\":%.6f,\"same\":%.5f,\"changed\":%.5f}\n", change, tokens, divergence / tokens, (double) same / tokens,
           hearing.seen == 0 ? 0.0 : (double) hearing.changed / hearing.seen);
}

// Ranks from `kept` on count for nothing; where gates are renormalised, the others take their weight.
Change fewer(int kept) {
    return [=](int, Choices & choices) {
        int changed = 0;
        for (size_t rank = kept; rank < choices.gates.size(); rank++, changed++) choices.gates[rank] = 0;
        return changed;
    };
}

// A choice whose gate is below a share of the best one's counts for nothing.
Change skipped(float share) {
    return [=](int, Choices & choices) {
        int changed = 0;
        for (float & gate : choices.gates)
            if (gate < share * choices.gates[0]) { gate = 0; changed++; }
        return changed;
    };
}

// A choice, not the best one, that is not among the most used experts is replaced by the likeliest one that is and was not chosen.
Change substituted(float resident_share) {
    return [=](int layer, Choices & choices) {
        const auto & counts = uses[layer];
        std::vector<int> order(counts.size());
        for (size_t i = 0; i < order.size(); i++) order[i] = i;
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return counts[a] > counts[b]; });
        std::vector<bool> resident(counts.size());
        for (size_t i = 0; i < resident_share * counts.size(); i++) resident[order[i]] = true;
        int changed = 0;
        for (size_t rank = 1; rank < choices.ids.size(); rank++) {
            if (resident[choices.ids[rank]]) continue;
            for (int32_t other : choices.ranked) {
                if (!resident[other] || std::find(choices.ids.begin(), choices.ids.end(), other) != choices.ids.end()) continue;
                choices.ids[rank] = other;
                changed++;
                break;
            }
        }
        return changed;
    };
}

llama_model * open_model(const char * path) {
    llama_model * model = llama_model_load_from_file(path, llama_model_default_params());
    if (model == nullptr) { fprintf(stderr, "%s: the engine cannot load it\n", path); exit(2); }
    return model;
}

std::vector<std::vector<llama_token>> read_texts(const char * path, const llama_vocab * vocabulary) {
    std::ifstream file(path, std::ios::binary);
    const std::string all{ std::istreambuf_iterator<char>(file), {} };
    std::vector<std::vector<llama_token>> texts;
    for (size_t at = 0; at < all.size();) {
        const size_t end = std::min(all.find('\0', at), all.size());
        std::vector<llama_token> tokens(end - at + 16);
        const int count = llama_tokenize(vocabulary, all.data() + at, end - at, tokens.data(), tokens.size(), true, false);
        tokens.resize(std::clamp(count, 0, MOST_TOKENS));
        if (!tokens.empty()) texts.push_back(tokens);
        at = end + 1;
    }
    return texts;
}

}  // namespace

int main(int argc, char ** argv) {
    if (argc < 3) { fprintf(stderr, "usage: quality MODEL.gguf TEXTS [REFERENCE.gguf]\n"); return 2; }
    llama_log_set([](ggml_log_level level, const char * text, void *) { if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr); }, nullptr);
    llama_backend_init();
    llama_model * model = open_model(argv[1]);
    const llama_vocab * vocab = llama_model_get_vocab(model);
    const int vocabulary = llama_vocab_n_tokens(vocab);
    const auto texts = read_texts(argv[2], vocab);
    if (texts.empty()) { fprintf(stderr, "%s: no text\n", argv[2]); return 2; }
    if (argc > 3) {
        llama_model * reference = open_model(argv[3]);
        Hearing plain, own;
        print("format", read_all(reference, texts, plain), read_all(model, texts, own), vocabulary, own);
        return 0;
    }
    Hearing plain;
    plain.counting = true;
    const auto base = read_all(model, texts, plain);
    Hearing again;
    print("none", base, read_all(model, texts, again), vocabulary, again);
    char used[16] = "";
    for (const char * a : { "llama", "olmoe" }) {
        const std::string key = std::string(a) + ".expert_used_count";
        if (llama_model_meta_val_str(model, key.c_str(), used, sizeof used) >= 0) break;
    }
    const int chosen = std::max(1, atoi(used));
    for (int kept = chosen - 1; kept >= std::max(1, chosen - 3); kept--) {
        const Change change = fewer(kept);
        Hearing hearing;
        hearing.gates = &change;
        print(("fewer:" + std::to_string(kept)).c_str(), base, read_all(model, texts, hearing), vocabulary, hearing);
    }
    for (float share : { 0.1f, 0.25f, 0.5f }) {
        const Change change = skipped(share);
        Hearing hearing;
        hearing.gates = &change;
        print(("skip:" + std::to_string(share).substr(0, 4)).c_str(), base, read_all(model, texts, hearing), vocabulary, hearing);
    }
    for (float resident : { 0.75f, 0.5f, 0.25f }) {
        const Change change = substituted(resident);
        Hearing hearing;
        hearing.ids = &change;
        print(("substitute:" + std::to_string(resident).substr(0, 4)).c_str(), base, read_all(model, texts, hearing), vocabulary, hearing);
    }
}
