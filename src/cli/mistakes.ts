// Words of other programs, missing words, and what to write instead.
import { ownValue } from '../base/objects.js';

/** Remedies by an unknown word, or by the first words of a message. */
type Remedies = readonly (readonly [wrong: RegExp, remedy: string])[];

/** Remedies in the place of a command. */
export const MISTAKEN_COMMANDS: Remedies = [
  [/^(fit|memory|estimate|recommend|can-i-run|llama-fit-params)$/, 'that is moeprof advise'],
  [/^(bench|llama-bench|simulate|profile)$/, 'that is moeprof run'],
  [/^diff$/, 'that is moeprof compare'],
  [/^(list|ls|models|show|hardware|systems|policies)$/, 'that is moeprof profiles list'],
  [/^(gui|ui|web|chat|open|app|browser)$/, 'that is moeprof play -o play.html'],
  [/^(update|upgrade|install|uninstall)$/, 'that is npm install -g, in a clone of moeprof'],
  [/^(-m|--model|-w|--hardware|-hf|--hf-repo)$/, 'a command comes first: moeprof advise gpt-oss-20b -w rtx-3060+32GB'],
  [/^version$/, 'that is moeprof --version'],
  [/^(inspect|audit|convert)$/, 'that is moeprof trace inspect, or moeprof model inspect for a model'],
  [/^(eval|train)$/, 'that is moeprof predict eval or moeprof predict train'],
  [/^(detect|calibrate)$/, 'that is moeprof machine detect or moeprof machine calibrate'],
];

/** Remedies of some commands. */
export const MISTAKES: readonly (readonly [commands: readonly string[], wrong: RegExp, remedy: string])[] = [
  [['advise', 'breakeven'], /^(-m|--model)$/, 'the model stands alone, without a flag: gpt-oss-20b'],
  [
    ['advise', 'breakeven', 'play', 'serve'],
    /^(-hf|--hf|--hf-repo|-hfr)$/,
    'a repository stands alone, without a flag: ggml-org/gpt-oss-20b-GGUF',
  ],
  [
    ['advise'],
    /^(-fa|-b|-ub|-ctk|-ctv|-ot|-ts|-tb|--threads|--batch-size|--ubatch-size|--flash-attn|--no-mmap|--mlock|--jinja|-lm|-nkvo)$/,
    'it is what advise finds: leave it out',
  ],
  [['serve'], /^(-p|--port|--host|-H)$/, 'that is --listen 127.0.0.1:8642'],
  [['search'], /^(-t|-m|-w)$/, 'they stand in the file of the space: moeprof search search.yaml'],
  [['curve'], /^(--target|--hit-rate|--hits)$/, "that is moeprof plan -t mini-mixtral-8x8l -w t4 --assert 'cache.hit_rate >= 90%'"],
  [['advise'], /^(-c|--ctx|--ctx-size|--context-size|--context-length|--max-model-len|--n-ctx)$/, 'that is --context 32768'],
  [['advise'], /^(-n|-p|--n-prompt|--n-gen|--prompt-tokens)$/, 'that is --prompt 4096; answers have 512 tokens'],
  [['advise'], /^(-np|--parallel|--max-num-seqs|--batch)$/, 'that is --users 4'],
  [['advise'], /^(-q|--quant|--quantization|--dtype|--ftype)$/, 'that is --quantizations q4_k_m'],
  [
    ['advise'],
    /^(--ncmoe|-ncmoe|--n-cpu-moe|-ngl|--gpu-layers|--n-gpu-layers|-cmoe|--cpu-moe)$/,
    'it is what advise finds: leave it out; a speed reached with it goes into --timing "eval 24 tok/s, -ncmoe 20"',
  ],
  [['curve', 'predict eval', 'bound adaptive', 'place'], /^too many arguments$/, 'a model is named with -m, a trace with -t'],
  [['check'], /^too many arguments$/, 'what a runtime printed is in a file: moeprof check server.log'],
  [['breakeven'], /^missing required argument$/, 'name a model: gpt-oss-20b'],
  [['search'], /^missing required argument$/, 'name the file of a space: search.yaml'],
  [['machine show'], /^too many arguments$/, 'parts of a machine are joined by +: rtx-3060+32GB'],
  [['check'], /^missing required argument$/, 'name a file with what a runtime printed: server.log'],
  [['compare'], /^missing required argument$/, 'name the results of two runs: a.json b.json'],
  [
    ['trace inspect', 'trace audit', 'trace convert'],
    /^missing required argument$/,
    'name a trace: routing.jsonl, or mini-mixtral-8x8l, which is bundled',
  ],
  [['model inspect'], /^missing required argument$/, 'name a model: gpt-oss-20b'],
  [['table', 'plot', 'cite'], /^missing required argument$/, 'name the results of runs: results/*.json, or study.jsonl'],
  [['trace convert', 'trace generate'], /^required option '-o$/, 'write e.g. -o routing.safetensors'],
  [['record'], /^required option '-o$/, 'write e.g. -o t.safetensors'],
  [['play'], /^required option '-o$/, 'write -o play.html'],
  [['plot'], /^required option '--x$/, 'write e.g. --x system'],
];

/** Remedies of every other command. */
export const MISTAKES_ANYWHERE: Remedies = [
  [/^(--ram|--dram|--memory|--system-ram|--vram|--host-memory|--cpu-offload-gb)$/, 'memory is a part of the machine: -w rtx-3060+32GB'],
  [/^(--gpu|--cpu|--device|--machine|--gpus|--main-gpu)$/, 'the machine is named by its parts: -w rtx-3060+32GB'],
  [/^(-ts|-tp|--tensor-parallel-size|--tensor-split|--split-mode)$/, 'cards are a part of the machine: -w 2xrtx-3090+64GB'],
  [
    /^(-ot|-tb|--threads|-fa|-ctk|-ub|--no-mmap|--mlock)$/,
    'a runtime has it: --runtime llama.cpp; for flags of llama.cpp use moeprof advise',
  ],
  [
    /^(--gpu-memory-utilization|--n-cpu-moe|--ncmoe|-ncmoe|-cmoe|--cpu-moe|--moe-cache-mib)$/,
    'what the card holds is --cache 25%; for flags of llama.cpp use moeprof advise',
  ],
  [/^(-ngl|--n-gpu-layers|--ngl)$/, 'that is --gpu-layers 20'],
  [
    /^(-c|--ctx|--ctx-size|--context|--context-length|--max-model-len|--n-ctx|-p|--n-prompt|--prompt)$/,
    'the prompt of a run is --set workload.prompt=1024 --tokens 2k',
  ],
  [/^(-n|--n-gen|--n-predict|--max-tokens|--output-len)$/, 'the answer of a run is --set workload.output=128'],
  [/^(-b|--batch-size|-np|--parallel|--max-num-seqs|--concurrency|--users)$/, 'that is --batch 4'],
  [/^(--quant|--dtype|--ftype|-q4|--quantizations)$/, 'that is --quantization q4_k_m'],
  [/^(--engine|--backend|--server)$/, 'that is --runtime llama.cpp'],
  [/^(--top_k|--topk)$/, 'that is --top-k 4'],
  [/^(--verbose-prompt|--detail|--all)$/, 'that is --verbose'],
  [/^(--out|--outfile|--save)$/, 'that is -o result.json'],
  [/^option '-w$/, 'write e.g. -w rtx-3060+32GB'],
  [/^option '-m$/, 'write e.g. -m gpt-oss-20b'],
  [/^option '-t$/, 'write e.g. -t routing.jsonl'],
  [/^--no-foresight$/, 'that is --found none'],
];

/** Remedies of any other word by command. */
export const MISTAKEN_WORDS: Readonly<Record<string, (word: string) => string>> = {
  place: () => 'a model is named with -m, a trace with -t',
  trace: (word) => `that is moeprof trace inspect ${word}`,
  model: (word) => `that is moeprof model inspect ${word}`,
  predict: (word) => `that is moeprof predict eval -t ${word}`,
};

/** A model in place of a command: a file, a repository, or a name with its size. */
const MODEL_AS_COMMAND = /^unknown command '([^' ]*(?:\.gguf|\/[^' ]*|\d[bB](?:-[^' ]*)?))'$/;

/** Unknown or missing word in a commander message. */
const MISTAKEN = /^(?:unknown (command|option|action) '([^']*)'|(too many arg\w+|missing required argument|(?:required )?option '--?\w))/;

export function remedied(text: string, command: string): string {
  const [, kind, unknown = '', other = unknown] = MISTAKEN.exec(text) ?? [];
  const ofCommand = MISTAKES.flatMap(([commands, ...row]) => (commands.includes(command) ? [row] : []));
  const rows = [...(command === 'moeprof' ? MISTAKEN_COMMANDS : ofCommand), ...MISTAKES_ANYWHERE];
  const remedy =
    rows.find(([wrong]) => wrong.test(other))?.[1] ??
    (kind !== 'option' && !text.includes('did you mean') ? ownValue(MISTAKEN_WORDS, command)?.(unknown) : undefined);
  const model = MODEL_AS_COMMAND.exec(text);
  if (remedy === undefined) return model === null ? text : `${text}; for a model write moeprof advise ${model[1]}`;
  return `${text.replace(/; did you mean.*/, '')}; ${remedy}`;
}
