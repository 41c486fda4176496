// Ollama: a Modelfile and server environment variables. Since 0.30 the runner is llama-server, which reads the
// variables of its flags.
import type { Command, CommandInput, Dialect } from '../flags/dialect.js';
import { allocationRules, type FlagUse, grammarOf } from '../flags/flag.js';
import { byWholeExpertLayers, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import { runtimeFrom } from '../kind/runtime.js';
import { llamaCppRuntime } from '../llama.cpp/index.js';
import { evalRates } from '../logs/lines.js';
import { isAllOnGpu } from '../setting/setting.js';

const MODELFILE = 'Modelfile';

/** Variables of llama-server for -ncmoe and -cmoe. */
const N_CPU_MOE = 'LLAMA_ARG_N_CPU_MOE';
const CPU_MOE = 'LLAMA_ARG_CPU_MOE';

/** All layers: more than any model has. */
const ALL_LAYERS = 999;

const dialect: Dialect = {
  get grammar() {
    return grammarOf('ollama');
  },
  write({ blocks = ALL_LAYERS, cores, cpuExpertLayers, hub, model, moeLayers, name, setting, system = 'linux' }: CommandInput): Command {
    const from = hub === null ? model : `hf.co/${hub}`;
    const parameters: FlagUse[] = [
      ['num_ctx', setting.context],
      ['num_gpu', blocks],
      ['num_batch', setting.ubatch],
      ...(cores > 0 && !isAllOnGpu(setting) ? ([['num_thread', cores]] as const) : []),
    ];
    const variables: FlagUse[] = [
      ['OLLAMA_FLASH_ATTENTION', 1],
      ...(setting.kv === 'f16' ? [] : ([['OLLAMA_KV_CACHE_TYPE', setting.kv]] as const)),
      ...(setting.cpuMoe === 0 ? [] : [setting.cpuMoe >= moeLayers ? ([CPU_MOE, 1] as const) : ([N_CPU_MOE, cpuExpertLayers] as const)]),
      ...(setting.users > 1 ? ([['OLLAMA_NUM_PARALLEL', setting.users]] as const) : []),
    ];
    return {
      steps: [
        { file: MODELFILE, lines: [`FROM ${from}`, ...parameters.map(([parameter, value]) => `PARAMETER ${parameter} ${value}`)] },
        ...serviceSteps[system](variables),
        { file: null, lines: [`ollama create ${name} -f ${MODELFILE}`, `ollama run ${name}`] },
      ],
      uses: [...variables, ['FROM', from], ...parameters],
      why: { [N_CPU_MOE]: 'fewer layers in host memory do not fit on the GPU; it holds for every model of this server' },
    };
  },
};

/**
 * Server variables of an installation: a systemd service, a macOS or a Windows app (docs/faq of Ollama). A second
 * server finds the port in use.
 */
const serviceSteps: Readonly<Record<NonNullable<CommandInput['system']>, (variables: readonly FlagUse[]) => Command['steps']>> = {
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
  logs: [{ format: evalRates, by: 'ollama run --verbose', mark: /^\s*load duration:/m }],
  advised: {
    ...GGUF,
    dialect,
    isolates: false,
    ladder: byWholeExpertLayers,
    memory: (...loaded) => loadedMemory(allocationRules('llama.cpp'), ...loaded),
    ubatches: [512, 1024, 2048],
  },
  places: 'by itself',
  numaByFlag: true,
});
