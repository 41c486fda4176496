// Since 0.30 the runner is llama-server, which reads the variables of its flags.
import { type Command, type CommandInput, type Dialect, flagsIn } from '../flags/dialect.js';
import { grammarOf, least, type NameIn, USUAL } from '../flags/flag.js';
import { byWholeExpertLayers, GGUF } from '../kind/advised.js';
import { runtimeFrom } from '../kind/runtime.js';
import { llamaCppRuntime } from '../llama.cpp/index.js';
import { evalRates } from '../logs/lines.js';
import { isAllOnGpu } from '../setting/setting.js';

const MODELFILE = 'Modelfile';

/** All layers: more than any model has. */
const ALL_LAYERS = 999;

/** Variables of the server, then parameters of a Modelfile. */
const GRAMMAR = grammarOf(
  { program: 'ollama serve', version: '2026-08-21 (fb30760)', source: 'github.com/ollama/ollama, envconfig/config.go and api/types.go' },
  {
    // Since 0.30 its runner is llama-server, which reads these (common/arg.cpp).
    LLAMA_ARG_N_CPU_MOE: [least(0), 'layers, from the first on, whose experts stay in host memory; of every model'],
    LLAMA_ARG_CPU_MOE: [['1'], 'the experts of all layers stay in host memory; of every model'],
    OLLAMA_FLASH_ATTENTION: [['0', '1'], 'flash attention: no scores are stored'],
    OLLAMA_KV_CACHE_TYPE: [['f16', 'q8_0', 'q4_0'], 'storage of keys and values'],
    OLLAMA_NUM_PARALLEL: USUAL.users,
    OLLAMA_GPU_OVERHEAD: [least(0), 'bytes of each GPU that are left free'],
    OLLAMA_SCHED_SPREAD: [null, 'all GPUs are used even where one would do'],
    FROM: ['text', 'the model file'],
    num_ctx: USUAL.context,
    num_gpu: [least(0), 'layers on the GPU, the output matrix counted as one'],
    num_batch: USUAL.pass,
    num_thread: [least(1), 'threads that compute what is not on the GPU'],
  },
);

type Name = NameIn<typeof GRAMMAR>;

const dialect: Dialect = {
  grammar: GRAMMAR,
  write({ blocks = ALL_LAYERS, cores, cpuExpertLayers, hub, model, moeLayers, name, setting, system = 'linux' }: CommandInput): Command {
    const { context, cpuMoe, kv, ubatch, users } = setting;
    const few = cpuMoe > 0 && cpuMoe < moeLayers && cpuExpertLayers;
    const variables = flagsIn<Name>([
      ['OLLAMA_FLASH_ATTENTION', 1],
      kv !== 'f16' && ['OLLAMA_KV_CACHE_TYPE', kv],
      cpuMoe > 0 && cpuMoe >= moeLayers && ['LLAMA_ARG_CPU_MOE', 1],
      ['LLAMA_ARG_N_CPU_MOE', few, 'fewer layers in host memory do not fit on the GPU; it holds for every model of this server'],
      users > 1 && ['OLLAMA_NUM_PARALLEL', users],
    ]);
    const [from, ...parameters] = flagsIn<Name>([
      ['FROM', hub === null ? model : `hf.co/${hub}`],
      ['num_ctx', context],
      ['num_gpu', blocks],
      ['num_batch', ubatch],
      cores > 0 && !isAllOnGpu(setting) && ['num_thread', cores],
    ]).uses;
    return {
      steps: [
        { file: MODELFILE, lines: [from!.join(' '), ...parameters.map(([parameter, value]) => `PARAMETER ${parameter} ${value}`)] },
        ...serviceSteps[system](variables.uses),
        { file: null, lines: [`ollama create ${name} -f ${MODELFILE}`, `ollama run ${name}`] },
      ],
      uses: [...variables.uses, from!, ...parameters],
      why: variables.why,
    };
  },
};

/**
 * Server variables of an installation: a systemd service, a macOS or a Windows app (docs/faq of Ollama). A second
 * server finds the port in use.
 */
const serviceSteps: Readonly<Record<NonNullable<CommandInput['system']>, (variables: Command['uses']) => Command['steps']>> = {
  linux: (variables) => [
    {
      file: '/etc/systemd/system/ollama.service.d/override.conf',
      lines: ['[Service]', ...variables.map(([name, value]) => `Environment="${name}=${value}"`)],
    },
    { file: null, lines: ['sudo systemctl daemon-reload', 'sudo systemctl restart ollama'] },
  ],
  mac: (variables) => [
    {
      file: null,
      lines: variables.map(([name, value]) => `launchctl setenv ${name} ${value}`),
      note: 'Set these, quit the Ollama app and open it again:',
    },
  ],
  windows: (variables) => [
    {
      file: null,
      lines: variables.map(([name, value]) => `setx ${name} ${value}`),
      note: 'Set these, quit Ollama in the task bar and start it again:',
    },
  ],
};

/** Ollama: llama.cpp under a different server. */
export const ollamaRuntime = runtimeFrom({
  name: 'ollama',
  programs: { ollama: llamaCppRuntime.name },
  // Only Ollama prints the load duration with each reply.
  logs: [{ format: evalRates, by: 'ollama run --verbose', mark: /^[ \t]*load duration:/m }],
  advised: {
    ...GGUF,
    dialect,
    isolates: false,
    ladder: byWholeExpertLayers,
    memory: llamaCppRuntime.advised!.memory,
    ubatches: [512, 1024, 2048],
  },
  places: 'by itself',
  numaByFlag: true,
});
