// What llama.cpp plans, without allocating anything, as one line of JSON:
//   planner plan ARGS...      bytes by device of a line of llama-server, parsed and planned as that program does
//   planner start ARGS...     the same from buffers as they stand once the program has started, of weights that are mapped
//   planner fit ARGS...       the flags that its own search (common_fit_params) chooses for the memory of the devices
//   planner types FILE NAME   the type in which llama-quantize stores each tensor of a model's file
#include "../src/llama-ext.h"
#include "arg.h"
#include "common.h"
#include "fit.h"
#include "log.h"
#include "speculative.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

// Files of weights are holes of hundreds of GB: they are mapped, and never read ahead.
extern "C" void * mmap(void * at, size_t length, int protection, int flags, int file, off_t offset) noexcept {
    return (void *) syscall(SYS_mmap, at, length, protection, flags & ~MAP_POPULATE, file, offset);
}
extern "C" int posix_madvise(void *, size_t, int) noexcept { return 0; }

// The parameters as llama-server has them when it loads a model: tools/server/server.cpp and server-context.cpp.
static bool parsed(int argc, char ** argv, common_params & params) {
    if (!common_params_parse(argc, argv, params, LLAMA_EXAMPLE_SERVER)) return false;
    if (params.n_parallel < 0) {
        params.n_parallel = 4;
        params.kv_unified = true;
    }
    const auto limits =
        common_speculative_get_output_limits(params.n_batch, params.n_parallel, common_speculative_n_max(&params.speculative));
    params.n_outputs_max = std::max<int32_t>(1, limits.total);
    params.n_outputs_max_per_seq = std::max<int32_t>(1, limits.per_seq);
    return true;
}

// Bytes of weights, context and compute by device. Buffers of the host are all that lie on no device: plain, pinned or repacked ones.
static int plan(common_params & params, bool starts) {
    auto model_params = common_model_params_to_llama(params);
    model_params.no_alloc = !starts;
    model_params.load_mode = starts ? LLAMA_LOAD_MODE_MMAP : LLAMA_LOAD_MODE_NONE;
    if (starts) model_params.use_extra_bufts = false;
    llama_model * model = llama_model_load_from_file(params.model.path.c_str(), model_params);
    if (model == nullptr) return 1;
    llama_context * context = llama_init_from_model(model, common_context_params_to_llama(params));
    if (context == nullptr) return 1;
    std::map<std::string, llama_memory_breakdown_data> devices;
    for (int i = 0; i < llama_model_n_devices(model); i++) devices[ggml_backend_dev_name(llama_model_get_device(model, i))] = {};
    for (const auto & [type, bytes] : llama_get_memory_breakdown(context)) {
        auto * device = ggml_backend_buft_get_device(type);
        const bool on_host = ggml_backend_buft_is_host(type) || device == nullptr || devices.count(ggml_backend_dev_name(device)) == 0;
        auto & sum = devices[on_host ? "host" : ggml_backend_dev_name(device)];
        sum.model += bytes.model;
        sum.context += bytes.context;
        sum.compute += bytes.compute;
    }
    std::string all;
    for (const auto & [name, sum] : devices) {
        all += (all.empty() ? "[{\"name\":\"" : ",{\"name\":\"") + name + "\",\"weights\":" + std::to_string(sum.model) +
            ",\"kv\":" + std::to_string(sum.context) + ",\"compute\":" + std::to_string(sum.compute) + "}";
    }
    std::printf("%s]\n", all.c_str());
    return 0;
}

static int fit(common_params & params) {
    auto model = common_model_params_to_llama(params);
    auto context = common_context_params_to_llama(params);
    const auto status = common_fit_params(params.model.path.c_str(), &model, &context, params.tensor_split,
        params.tensor_buft_overrides.data(), params.fit_params_target.data(), params.fit_params_min_ctx, nullptr, GGML_LOG_LEVEL_ERROR);
    if (status != COMMON_PARAMS_FIT_STATUS_SUCCESS) return 1;
    std::printf("{\"context\":%u,\"ngl\":%d,\"overrides\":[", context.n_ctx, model.n_gpu_layers);
    for (size_t i = 0; i < llama_max_tensor_buft_overrides() && params.tensor_buft_overrides[i].pattern != nullptr; i++) {
        std::string pattern;
        for (const char * at = params.tensor_buft_overrides[i].pattern; *at != 0; at++) pattern += *at == '\\' ? "\\\\" : std::string(1, *at);
        std::printf("%s[\"%s\",\"%s\"]", i == 0 ? "" : ",", pattern.c_str(), ggml_backend_buft_name(params.tensor_buft_overrides[i].buft));
    }
    std::printf("]}\n");
    return 0;
}

static int types(const char * path, const char * wanted) {
    auto params = llama_model_default_params();
    params.no_alloc = true;
    params.load_mode = LLAMA_LOAD_MODE_NONE;
    llama_model * model = llama_model_load_from_file(path, params);
    if (model == nullptr) return 1;
    int ftype = -1;
    // Names as general.file_type prints them: "Q4_K - Medium", "MXFP4 MoE".
    for (int one = 0; one < 64 && ftype < 0; one++) {
        const char * name = llama_ftype_name((llama_ftype) one);
        if (name != nullptr && std::strcmp(name, wanted) == 0) ftype = one;
    }
    if (ftype < 0) return 1;
    gguf_init_params file_params = { true, nullptr };
    ggml_context * meta = nullptr;
    file_params.ctx = &meta;
    gguf_context * file = gguf_init_from_file(path, file_params);
    std::vector<ggml_tensor *> tensors;
    for (int64_t i = 0; i < gguf_get_n_tensors(file); i++) tensors.push_back(ggml_get_tensor(meta, gguf_get_tensor_name(file, i)));
    auto quantize = llama_model_quantize_default_params();
    quantize.ftype = (llama_ftype) ftype;
    auto * state = llama_quant_init(model, &quantize);
    std::vector<ggml_type> result(tensors.size());
    llama_quant_compute_types(state, (llama_ftype) ftype, tensors.data(), result.data(), tensors.size());
    std::printf("{");
    for (size_t i = 0; i < tensors.size(); i++) {
        const bool changes = llama_quant_tensor_allows_quantization(state, tensors[i]);
        std::printf("%s\"%s\":\"%s\"", i == 0 ? "" : ",", tensors[i]->name, ggml_type_name(changes ? result[i] : tensors[i]->type));
    }
    std::printf("}\n");
    return 0;
}

int main(int argc, char ** argv) {
    if (argc < 3) return 2;
    const std::string mode = argv[1];
    common_init();
    ggml_backend_load_all();
    common_log_set_verbosity_thold(LOG_LEVEL_ERROR);
    if (mode == "types") {
        llama_backend_init();
        return types(argv[2], argv[3]);
    }
    common_params params;
    argv[1] = argv[0];
    if (!parsed(argc - 1, argv + 1, params)) return 2;
    llama_backend_init();
    return mode == "fit" ? fit(params) : plan(params, mode == "start");
}
