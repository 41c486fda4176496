/** What `moeprof --help` prints. */
export const OVERVIEW = `Usage: moeprof <command> [options]

What expert offloading of a Mixture-of-Experts model costs, and what would make
it cheaper. Without a command: this machine, and models that run well on it.

  moeprof advise gpt-oss-20b -w rtx-3060+32GB     the settings to run it with
  moeprof run -m qwen3-30b-a3b -w rtx-4090        how fast, and what limits it
  moeprof check server.log                        is my run normal

Before you run or buy:
  advise       settings for a model, as a line to paste
  breakeven    from which hit rate on a cache pays
  plan         how much GPU memory a service level takes
  place        which experts stay on the card
Simulation:
  run, sweep   one run, or many over any value; moeprof run -s a,b ranks
  curve        hit rate against capacity, for many cache policies
  search       the best of a design space
  bound        how fast a run could be with knowledge that no system has
  predict      train and judge path predictors
Against real engines:
  check        is a run normal, and if not, why
  record       the routing of a model on your prompts or traffic
  validate, measure, reproduce
Inputs:
  trace, model, machine, profiles
Results:
  compare      two runs, or a run and its budgets, for a gate
  report, table, plot, cite, baseline, store, worker, queue
Help and set-up:
  explain      what a word, a metric or a warning means
  play, serve, init, schema, completion, doctor

Options of every command: -q quiet, -v all that is known, --color, --no-color,
--progress auto|always|never, --debug, -V version, -h help
moeprof <command> --help; with --help all, every option and text.`;

/** An example of each command, below all options of the program. */
export const EXAMPLES = `Examples:
  moeprof run -m qwen3-30b-a3b -w rtx-4090 -s fiddler --cache 25%
  moeprof curve -t routing.safetensors --scope layer
  moeprof sweep -t routing.safetensors --batch 16 --rates auto
  moeprof search my-space.yaml --budget 120 -o front.svg
  moeprof bound adaptive -t routing.safetensors -w rtx-4090 --cache 25%
  moeprof advise gpt-oss-120b -w rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB
  moeprof play -o play.html
  moeprof serve
  moeprof breakeven qwen3-30b-a3b -w rtx-3060+64GB
  moeprof place -t code.safetensors --for exllamav3 -o code.json
  moeprof plan -t routing.safetensors -w t4,rtx-4090 --slo tpot=20ms
  moeprof predict train -t train.safetensors -o predictor.onnx
  moeprof check server.log -w my-machine.yaml
  moeprof reproduce mixtral-offloading
  moeprof validate measurements.jsonl -o accuracy.html
  moeprof measure bench.jsonl -o issue.md
  moeprof compare main.json pr.json --fail-on 'latency.tpot.p50 > +3%'
  moeprof baseline save main runs/
  moeprof table .moeprof/store --rows system --columns trace
  moeprof plot study.jsonl --x memory.expertCache --series system -o figure.svg
  moeprof cite study.jsonl -o used.bib
  moeprof worker --queue redis://localhost:6379/0
  moeprof queue show --queue redis://localhost:6379/0
  moeprof store merge /mnt/a/store /mnt/b/store
  moeprof report result.json -o report.md
  moeprof record model.gguf --prompts my.jsonl -o routing.safetensors
  moeprof trace inspect routing.safetensors
  moeprof model inspect model.gguf -w rtx-4090
  moeprof machine detect -o my-machine.yaml
  moeprof profiles list hardware
  moeprof explain cache.hit_rate
  moeprof init --ci gitlab
  moeprof schema run > run.schema.json
  moeprof completion bash
  moeprof doctor`;
