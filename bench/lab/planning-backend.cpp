// CUDA devices without a GPU, for an unmodified llama.cpp: GGML_BACKEND_PATH loads this library, which declares CUDA0, CUDA1, ... with the
// sizes that LAB_GPUS lists (MiB, joined by commas). It allocates and computes nothing; with no_alloc the engine plans on it as on cards,
// for it asks a backend only what these functions answer. Those that decide anything are the engine's own (cuda-sources.inc).
#include "ggml-backend-impl.h"
#include "ggml-backend.h"
#include "ggml-impl.h"
#include "ggml.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

// What the engine's functions refer to. The compute capability is that of Ampere cards (8.6); LAB_CC sets another.
struct ggml_backend_cuda_context {};
struct ggml_backend_cuda_buffer_type_context {
    int device;
    std::string name;
};
struct ggml_backend_cuda_device_context {
    int device;
    std::string name;
    size_t bytes;
    int op_offload_min_batch_size;
    ggml_backend_buffer_type buffers;
    ggml_backend_buffer_type pinned;
};
struct planning_info {
    struct { int cc; bool integrated; } devices[16];
};
static const planning_info & ggml_cuda_info() {
    static const planning_info info = [] {
        planning_info all{};
        const char * cc = std::getenv("LAB_CC");
        for (auto & device : all.devices) device.cc = cc != nullptr ? std::atoi(cc) : 860;
        return all;
    }();
    return info;
}
static bool turing_mma_available(int cc) { return cc >= 750; }
static bool volta_mma_available(int cc) { return cc == 700; }
static bool amd_mfma_available(int) { return false; }
static bool amd_wmma_available(int) { return false; }
static bool ggml_cuda_flash_attn_ext_mma_f16_may_use_sparse(int, int, int, int) { return false; }
static bool ggml_cuda_flash_attn_ext_mma_f16_shall_use_sparse(int, const ggml_tensor *, int, int) { return false; }
// Kernels for single tokens that a usual build has: keys and values of one type (GGML_CUDA_FA_QUANTS adds others). They are computed in a
// pass of one or two tokens, which is never the largest.
static const void * ggml_cuda_get_fattn_vec_case(int64_t, ggml_type k, ggml_type v) { return k == v ? "" : nullptr; }
static const char * buffers_name(ggml_backend_buffer_type_t type) {
    return ((ggml_backend_cuda_buffer_type_context *) type->context)->name.c_str();
}
static bool ggml_backend_buft_is_cuda(ggml_backend_buffer_type_t type) { return type->iface.get_name == buffers_name; }

#define FLASH_ATTN_AVAILABLE
#define GGML_CUDA_USE_CUB
#ifndef QK_K
#define QK_K 256
#endif
#include "cuda-sources.inc"

static std::vector<ggml_backend_device *> devices;

// Buffers: of devices none is ever written; what is pinned is memory of the host.
static void buffer_free(ggml_backend_buffer_t buffer) { std::free(buffer->context); }
static void * buffer_base(ggml_backend_buffer_t buffer) { return buffer->context != nullptr ? buffer->context : (void *) 0x1000; }
static void buffer_set(ggml_backend_buffer_t, ggml_tensor *, const void *, size_t, size_t) {}
static void buffer_get(ggml_backend_buffer_t, const ggml_tensor *, void * data, size_t, size_t size) { std::memset(data, 0, size); }
static void buffer_fill(ggml_backend_buffer_t, ggml_tensor *, uint8_t, size_t, size_t) {}
static void buffer_clear(ggml_backend_buffer_t, uint8_t) {}
static ggml_backend_buffer_t buffer_of(ggml_backend_buffer_type_t type, size_t size, void * memory) {
    ggml_backend_buffer_i all{};
    all.free_buffer = buffer_free;
    all.get_base = buffer_base;
    all.set_tensor = buffer_set;
    all.get_tensor = buffer_get;
    all.memset_tensor = buffer_fill;
    all.clear = buffer_clear;
    return ggml_backend_buffer_init(type, all, memory, size);
}
static ggml_backend_buffer_t buffers_alloc(ggml_backend_buffer_type_t type, size_t size) { return buffer_of(type, size, nullptr); }
static ggml_backend_buffer_t pinned_alloc(ggml_backend_buffer_type_t type, size_t size) {
    return buffer_of(type, size, std::aligned_alloc(64, (size + 127) / 64 * 64));
}
static const char * pinned_name(ggml_backend_buffer_type_t) { return "CUDA_Host"; }
// Pinned memory has the alignment of the CPU's buffers, as in ggml_backend_cuda_host_buffer_type.
static size_t pinned_alignment(ggml_backend_buffer_type_t) { return ggml_backend_buft_get_alignment(ggml_backend_cpu_buffer_type()); }
static bool pinned_is_host(ggml_backend_buffer_type_t) { return true; }

static ggml_backend_cuda_device_context * of(ggml_backend_dev_t device) { return (ggml_backend_cuda_device_context *) device->context; }
static const char * device_name(ggml_backend_dev_t device) { return of(device)->name.c_str(); }
static void device_memory(ggml_backend_dev_t device, size_t * free, size_t * total) { *free = *total = of(device)->bytes; }
static enum ggml_backend_dev_type device_type(ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_GPU; }
static void device_props(ggml_backend_dev_t device, ggml_backend_dev_props * props) {
    std::memset(props, 0, sizeof *props);
    props->name = props->description = device_name(device);
    props->type = GGML_BACKEND_DEVICE_TYPE_GPU;
    device_memory(device, &props->memory_free, &props->memory_total);
    props->caps.async = props->caps.host_buffer = props->caps.events = true;
}
static ggml_backend_buffer_type_t device_buffers(ggml_backend_dev_t device) { return &of(device)->buffers; }
static ggml_backend_buffer_type_t device_pinned(ggml_backend_dev_t) { return &of(devices[0])->pinned; }
static bool device_takes(ggml_backend_dev_t device, ggml_backend_buffer_type_t type) { return type == &of(device)->buffers; }
static ggml_backend_event_t event_new(ggml_backend_dev_t device) { return new ggml_backend_event{ device, nullptr }; }
static void event_free(ggml_backend_dev_t, ggml_backend_event_t event) { delete event; }
static void event_wait(ggml_backend_dev_t, ggml_backend_event_t) {}

static const char * backend_name(ggml_backend_t backend) { return device_name(backend->device); }
static void backend_free(ggml_backend_t backend) { delete backend; }
static void backend_wait(ggml_backend_t) {}
static void backend_event(ggml_backend_t, ggml_backend_event_t) {}
static ggml_status backend_compute(ggml_backend_t, ggml_cgraph *) { return GGML_STATUS_SUCCESS; }
static ggml_backend_t device_backend(ggml_backend_dev_t device, const char *) {
    static ggml_guid guid = { 'm', 'o', 'e', 'p', 'r', 'o', 'f', ' ', 'p', 'l', 'a', 'n', 'n', 'i', 'n', 'g' };
    auto * backend = new ggml_backend{};
    backend->guid = &guid;
    backend->device = device;
    backend->context = device->context;
    backend->iface.get_name = backend_name;
    backend->iface.free = backend_free;
    backend->iface.synchronize = backend_wait;
    backend->iface.graph_compute = backend_compute;
    backend->iface.event_record = backend_event;
    backend->iface.event_wait = backend_event;
    backend->iface.graph_optimize = ggml_backend_cuda_graph_optimize;
    return backend;
}

static const char * reg_name(ggml_backend_reg_t) { return "CUDA"; }
static size_t reg_count(ggml_backend_reg_t) { return devices.size(); }
static ggml_backend_dev_t reg_device(ggml_backend_reg_t, size_t index) { return devices[index]; }
static void * reg_address(ggml_backend_reg_t, const char *) { return nullptr; }

static ggml_backend_device * device_of(ggml_backend_reg_t reg, int index, size_t bytes) {
    const std::string name = "CUDA" + std::to_string(index);
    auto * device = new ggml_backend_device{};
    // From 32 rows on, a card computes with weights of the host: the default of GGML_OP_OFFLOAD_MIN_BATCH.
    auto * context = new ggml_backend_cuda_device_context{ index, name, bytes, 32, {}, {} };
    device->context = context;
    device->reg = reg;
    auto & all = device->iface;
    all.get_name = all.get_description = device_name;
    all.get_memory = device_memory;
    all.get_type = device_type;
    all.get_props = device_props;
    all.init_backend = device_backend;
    all.get_buffer_type = device_buffers;
    all.get_host_buffer_type = device_pinned;
    all.supports_op = ggml_backend_cuda_device_supports_op;
    all.supports_buft = device_takes;
    all.offload_op = ggml_backend_cuda_device_offload_op;
    all.event_new = event_new;
    all.event_free = event_free;
    all.event_synchronize = event_wait;
    auto & own = context->buffers;
    own.iface.get_name = buffers_name;
    own.iface.alloc_buffer = buffers_alloc;
    own.iface.get_alignment = ggml_backend_cuda_buffer_type_get_alignment;
    own.iface.get_alloc_size = ggml_backend_cuda_buffer_type_get_alloc_size;
    own.device = device;
    own.context = new ggml_backend_cuda_buffer_type_context{ index, name };
    auto & pinned = context->pinned;
    pinned.iface.get_name = pinned_name;
    pinned.iface.alloc_buffer = pinned_alloc;
    pinned.iface.get_alignment = pinned_alignment;
    pinned.iface.is_host = pinned_is_host;
    pinned.device = device;
    return device;
}

extern "C" ggml_backend_reg_t ggml_backend_init(void) {
    static ggml_backend_reg reg{};
    const char * sizes = std::getenv("LAB_GPUS");
    if (devices.empty() && sizes != nullptr) {
        reg.api_version = GGML_BACKEND_API_VERSION;
        reg.iface = { reg_name, reg_count, reg_device, reg_address };
        std::stringstream list(sizes);
        for (std::string mib; std::getline(list, mib, ',');)
            devices.push_back(device_of(&reg, (int) devices.size(), (size_t) (std::stod(mib) * 1048576)));
    }
    return &reg;
}
